// upload_dump: the whole story of sending one dump: hash, ask the receipts, send with retries, write a
// receipt.

#pragma once

#include <functional>
#include <string>
#include <vector>

#include "upload/clock.h"
#include "upload/destination.h"
#include "upload/receipt.h"
#include "upload/upload_progress.h"

namespace warmdump {

struct UploadOptions {
  bool again = false;  // send even when a receipt says that the destination has this dump
  RetryPolicy retry = {};
  std::function<double()> random;           // in [0, 1); empty for a seeded generator
  std::vector<StreamedFile> streamed = {};  // sent with the files of the directory
};

enum class UploadResult {
  sent,
  already_there,  // the destination had exactly these bytes
  receipt_found,  // an earlier run sent it there
};

struct UploadReport {
  UploadResult result = UploadResult::sent;
  std::string dump_name;
  Receipt receipt;        // the new one, or the one that was found
  ByteCount bytes = 0;    // size of the dump
  unsigned attempts = 0;  // transfers of single files, failed ones included; 0 when nothing was sent
  double seconds = 0;     // for sending alone
};

// On success the receipt is durable in the dump directory. On failure no receipt is written, and dir: leaves
// nothing behind; over HTTP files may be there, but no meta.json unless the very last step failed.
SendOutcome<UploadReport> upload_dump(const std::string& dump_path, Destination& destination,
                                      const UploadOptions& options, UploadProgress& progress, Clock& clock);

}  // namespace warmdump
