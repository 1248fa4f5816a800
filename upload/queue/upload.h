// upload_dump: sends one dump by hand: all of it, at once, to any destination. The same transfer and records
// as the queue's (dump_transfer.h), without its policy.

#pragma once

#include <functional>
#include <string>
#include <vector>

#include "upload/destination/destination.h"
#include "upload/queue/receipt.h"
#include "upload/queue/state_files.h"
#include "upload/transfer/clock.h"
#include "upload/transfer/retry_policy.h"
#include "upload/transfer/stop_request.h"
#include "upload/transfer/upload_progress.h"

namespace warmdump {

struct UploadOptions {
  bool again = false;       // send even when a receipt says that the destination has this dump
  std::string device = {};  // first part of every key; see source/dump_key.h
  RetryPolicy retry = {};
  std::function<double()> random = {};      // in [0, 1); empty for a seeded generator
  std::vector<StreamedFile> streamed = {};  // sent with the files of the directory
  // Where this is remembered, borrowed. Without it a run that fails leaves nothing to go on from, and nobody
  // knows later that the dump was sent.
  StateFiles* state = nullptr;
  const StopRequest* stop = nullptr;
};

enum class UploadResult {
  sent,
  already_there,  // the destination had exactly these bytes
  receipt_found,  // an earlier run sent it there
};

struct UploadReport {
  UploadResult result = UploadResult::sent;
  std::string dump_name;
  std::string key;           // of the dump at the destination
  Receipt receipt;           // the new one, or the one that was found
  ByteCount bytes = 0;       // size of the dump
  ByteCount bytes_sent = 0;  // in this run, failed attempts included
  unsigned attempts = 0;     // pieces that were sent, failed ones included; 0 when nothing was sent
  double seconds = 0;        // for sending alone
};

// On success the record, if there is a place for it, is durable. On failure what has arrived stays at the
// destination, without its manifest, and the record says how to go on; without a record the rest of it is
// removed there.
SendOutcome<UploadReport> upload_dump(const std::string& dump_path, Destination& destination,
                                      const UploadOptions& options, UploadProgress& progress, Clock& clock);

}  // namespace warmdump
