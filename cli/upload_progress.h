// An upload's progress, shown: a bar on a terminal, lines elsewhere; and told to a service manager.

#pragma once

#include <algorithm>
#include <string>

#include "cli/progress.h"
#include "cli/service_notifier.h"
#include "upload/transfer/upload_progress.h"

namespace warmdump {

class ShownUploadProgress final : public UploadProgress {
 public:
  // `notifier` outlives it; nullptr: nobody is told.
  explicit ShownUploadProgress(ServiceNotifier* notifier = nullptr) : notifier_(notifier) {}

  void begin(std::string_view label, ByteCount total_bytes) override {
    label_ = label;
    total_ = total_bytes;
    percent_ = 101;
    done_ = 0;
    progress_.begin(label, total_bytes);
    update(0);
  }
  void update(ByteCount done) override {
    // What is sent is told in small steps: more than that was there already.
    if (done > done_ + kStepMax) progress_.skip(done - done_);
    done_ = done;
    progress_.update(done);
    if (notifier_ == nullptr) return;
    notifier_->alive();
    const ByteCount percent = total_ == 0 ? 0 : std::min(done, total_) * 100 / total_;
    if (percent == percent_) return;
    percent_ = percent;
    notifier_->status(label_ + " " + bytes_text(total_) + ": " + std::to_string(percent) + " %", false);
  }
  void finish() override { progress_.finish(); }
  void note(std::string_view text) override {
    progress_.note(text);
    if (notifier_ != nullptr) notifier_->status(text);
  }

 private:
  static constexpr ByteCount kStepMax = 2 * kMiB;

  Progress progress_;
  ServiceNotifier* notifier_;
  std::string label_;
  ByteCount total_ = 0;
  ByteCount done_ = 0;
  ByteCount percent_ = 101;  // that was told last; 101: none
};

}  // namespace warmdump
