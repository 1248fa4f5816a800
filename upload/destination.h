// Destination: where a dump can be sent. One small state machine for all of them:
//
//   begin -> send, once for each file in sending order -> commit        (abandon at any point)
//
// A reader at the destination sees a dump either not at all or without its meta.json until everything has
// arrived. Retrying is not done here: a failure says its outlook, upload/upload.h decides.

#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "common/hosted/failure.h"
#include "upload/dump_directory.h"
#include "upload/retry_policy.h"

namespace warmdump {

struct SendFailure {
  Failure failure;
  Outlook outlook = Outlook::permanent;
  std::optional<std::chrono::seconds> retry_after = {};  // as the server asked

  SendFailure() = default;
  SendFailure(Failure&& cause)
      : failure(std::move(cause)) {}  // NOLINT: implicit, TRY lifts a Failure into it
  SendFailure(Failure&& cause, Outlook what_next) : failure(std::move(cause)), outlook(what_next) {}
};
inline SendFailure permanent(Failure&& cause) {
  return {std::move(cause), Outlook::permanent};
}
inline SendFailure temporary(Failure&& cause) {
  return {std::move(cause), Outlook::temporary};
}
template <class T>
using SendOutcome = Expected<T, SendFailure>;

class Destination {
 public:
  virtual ~Destination() = default;

  // Identifies the place in messages and receipts, such as "https://sink.example/dumps"; never a secret.
  virtual std::string name() const = 0;

  enum class Begun { ready, already_there };
  // The dump has its sha256 filled in. already_there: the same bytes are in place, nothing is left to do.
  virtual SendOutcome<Begun> begin(const DumpDirectory& dump) = 0;
  // Sends one file as a whole; may be called again for the same file after a failure.
  virtual SendOutcome<void> send(const DumpDirectory& dump, const DumpFile& file, const BytesDone& done) = 0;
  // Makes the dump visible and durable, as far as the destination can promise it.
  virtual SendOutcome<void> commit() = 0;
  // Removes what an unfinished transfer left behind, where that is possible.
  virtual void abandon() = 0;
};

struct DestinationOptions {
  std::string ca_file;           // PEM roots that replace the system's; empty for the system's
  std::string credentials_file;  // see upload/credentials.h; empty for none
};

// The destination for "dir:PATH", "http://..." or "https://...". Options that the scheme cannot use are
// `invalid`, so that nobody believes in a protection that is not there.
Outcome<std::unique_ptr<Destination>> make_destination(const std::string& address,
                                                       const DestinationOptions& options);

}  // namespace warmdump
