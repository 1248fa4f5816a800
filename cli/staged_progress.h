// StagedProgress: Progress of work of several stages that tells by number which one it is at.

#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "cli/progress.h"

namespace warmdump {

class StagedProgress {
 public:
  // Of the stages, in their order. Literals.
  explicit StagedProgress(std::vector<const char*> labels) : labels_(std::move(labels)) {}

  void update(unsigned stage, std::uint64_t done_bytes, std::uint64_t total_bytes) {
    if (stage >= labels_.size()) return;
    if (stage_ != stage) progress_.begin(labels_[stage], total_bytes);
    stage_ = stage;
    progress_.update(done_bytes);
    if (done_bytes == total_bytes) progress_.finish();
  }
  void finish() { progress_.finish(); }

 private:
  std::vector<const char*> labels_;
  std::optional<unsigned> stage_;
  Progress progress_;
};

}  // namespace warmdump
