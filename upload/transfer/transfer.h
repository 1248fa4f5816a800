// transfer_object: sends one object to a destination, with all retries of one run.

#pragma once

#include <functional>

#include "upload/destination/destination.h"
#include "upload/policy/retry_budget.h"
#include "upload/transfer/clock.h"
#include "upload/transfer/retry_policy.h"
#include "upload/transfer/stop_request.h"
#include "upload/transfer/upload_progress.h"

namespace warmdump {

struct TransferReport {
  ObjectReceipt receipt;
  unsigned attempts = 0;     // pieces that were sent, failed ones included
  ByteCount bytes_sent = 0;  // of payload in this run, failed attempts included
};

struct TransferOptions {
  RetryPolicy retry = {};
  std::function<double()> random = {};  // in [0, 1); empty for a seeded generator
  RetryBudget* budget = nullptr;        // borrowed; shared by the objects of a run; nullptr: no end of it
  // Called with every change of the session that has to survive this process, before what depends on it is
  // done. A failure ends the transfer.
  std::function<Outcome<void>(const TransferSession&)> store = {};
  // Pieces that arrived are known to the server, too: they are stored no more often than this.
  std::chrono::milliseconds store_interval{2000};
  // Asked before the session is opened, with 0, and before each piece, with its bytes. A failure ends the
  // transfer as it is, without retries, and leaves the session.
  std::function<SendOutcome<void>(ByteCount next_bytes)> may_go_on = {};
  // Ends the transfer likewise, also within a piece. Borrowed.
  const StopRequest* stop = nullptr;
  // Filled in as it goes, so that it tells of a transfer that failed, too. Borrowed.
  TransferReport* account = nullptr;
};

// On failure `session` is what to go on from another time, empty if nothing is left to go on from. Bytes are
// told to `progress` as `bytes_before` plus those of this object. A piece that arrived starts the count of
// attempts anew. After a cut at most those pieces are sent again that were on their way, one a lane.
//
// Of several lanes each has a thread; `progress`, store and may_go_on are called by one of them at a time.
// What a destination throws is a failure of our own side.
SendOutcome<TransferReport> transfer_object(const ObjectToSend& object, Destination& destination,
                                            TransferSession& session, const TransferOptions& options,
                                            ByteCount bytes_before, UploadProgress& progress, Clock& clock);

}  // namespace warmdump
