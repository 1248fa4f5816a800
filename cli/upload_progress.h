// An upload's progress, shown: a bar on a terminal, lines elsewhere.

#pragma once

#include "cli/progress.h"
#include "upload/upload_progress.h"

namespace warmdump {

class ShownUploadProgress final : public UploadProgress {
 public:
  void begin(std::string_view label, ByteCount total_bytes) override { progress_.begin(label, total_bytes); }
  void update(ByteCount done) override { progress_.update(done); }
  void finish() override { progress_.finish(); }
  void note(std::string_view text) override { progress_.note(text); }

 private:
  Progress progress_;
};

}  // namespace warmdump
