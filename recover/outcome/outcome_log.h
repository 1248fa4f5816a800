// OutcomeLog: outcomes.jsonl, one line a boot, oldest first; <path>.1 holds the lines before that.
//
// A line is there as a whole and durable, or not at all: what a power cut tears off is taken away by the next
// append. The file is of its owner alone, 0600, since panic texts come out of the memory of the kernel that
// crashed.

#pragma once

#include <string>
#include <vector>

#include "common/hosted/failure.h"
#include "common/units.h"
#include "recover/outcome/boot_outcome.h"

namespace warmdump {

inline constexpr ByteCount kOutcomeLogSizeMax = 1 * kMiB;  // some thousand boots

class OutcomeLog {
 public:
  explicit OutcomeLog(std::string path, ByteCount size_max = kOutcomeLogSizeMax)
      : path_(std::move(path)), size_max_(size_max) {}

  // Durable on return. When the file would grow beyond the limit it becomes <path>.1 first, and what was that
  // is gone. The directory is made as needed, 0700. Errors: io, no_space, no_permission; the lines that were
  // there before stay.
  Outcome<void> append(const BootOutcome& outcome) const;

  // Every line that can be read, oldest first, those of <path>.1 included. A file that is not there has none.
  Outcome<std::vector<BootOutcome>> read() const;

  // The same, but of each boot only its last line.
  Outcome<std::vector<BootOutcome>> read_boots() const;

 private:
  std::string older_path() const { return path_ + ".1"; }

  std::string path_;
  ByteCount size_max_;
};

}  // namespace warmdump
