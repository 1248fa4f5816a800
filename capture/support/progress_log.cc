#include "capture/support/progress_log.h"

#include <algorithm>

#include "capture/support/raw_log.h"
#include "common/text.h"

namespace warmdump {
namespace {

constexpr std::uint64_t kLineIntervalMs = 1000;
constexpr std::uint64_t kSilenceMaxMs = 3000;
constexpr std::uint64_t kStepPercent = 10;

}  // namespace

std::uint64_t ProgressLog::percent(const Progress& progress) {
  if (progress.total == 0) return 0;
  const double part = static_cast<double>(progress.done) / static_cast<double>(progress.total);
  return static_cast<std::uint64_t>(std::min(part, 1.0) * 100);
}

bool ProgressLog::is_due(const Progress& progress) const {
  const std::uint64_t since_ms = clock_.now_ms() - start_ms_ - last_line_ms_;
  if (since_ms < kLineIntervalMs) return false;
  return since_ms >= kSilenceMaxMs || progress.phase != last_phase_ ||
         percent(progress) >= last_percent_ + kStepPercent;
}

void ProgressLog::log(const Progress& progress) {
  const std::uint64_t elapsed_ms = clock_.now_ms() - start_ms_;
  Text<160> line;
  line << progress.phase;
  if (progress.total != 0) line << ", " << percent(progress) << " %";
  line << ": " << progress.bytes_raw / kMiB << " MiB in " << progress.bytes_stored / kMiB << " MiB";
  if (elapsed_ms != 0) line << ", " << progress.bytes_raw / 1000 / elapsed_ms << " MB/s";
  if (progress.done != 0 && progress.done < progress.total) {
    const double left_ms = static_cast<double>(elapsed_ms) / static_cast<double>(progress.done) *
                           static_cast<double>(progress.total - progress.done);
    line << ", about " << static_cast<std::uint64_t>(left_ms / 1000 + 0.5) << " s left";
  }
  log_line(line.view());
  last_line_ms_ = elapsed_ms;
  last_percent_ = percent(progress);
  last_phase_ = progress.phase;
}

}  // namespace warmdump
