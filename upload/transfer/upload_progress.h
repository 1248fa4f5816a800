// UploadProgress: what the uploader tells while it works. The command line shows it; tests record it.

#pragma once

#include <string_view>

#include "common/units.h"

namespace warmdump {

class UploadProgress {
 public:
  virtual ~UploadProgress() = default;
  // A stage of total_bytes begins ("checking", "sending"); the one before it, if any, is over.
  virtual void begin(std::string_view label, ByteCount total_bytes) = 0;
  // Bytes of the stage done so far. Falls back when a file is sent again.
  virtual void update(ByteCount done) = 0;
  virtual void finish() = 0;
  // Something worth a line of its own, such as a wait before another attempt. No secrets, no line end.
  virtual void note(std::string_view text) = 0;
};

}  // namespace warmdump
