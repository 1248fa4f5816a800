#include "capture/support/progress_log.h"

#include <algorithm>

#include "capture/support/raw_log.h"
#include "common/text.h"

namespace warmdump {
namespace {

constexpr std::uint64_t kStepPercent = 10;
constexpr std::uint64_t kLineIntervalMs = 1000;

}  // namespace

void ProgressLog::begin_phase(const char* name, std::uint64_t total) {
  name_ = name;
  total_ = std::max<std::uint64_t>(total, 1);
  next_percent_ = kStepPercent;
}

void ProgressLog::update(std::uint64_t done, ByteCount bytes_stored) {
  const std::uint64_t percent = std::min<std::uint64_t>(100, done * 100 / total_);
  const std::uint64_t now_ms = stopwatch_.elapsed_ms();
  if (percent < next_percent_ || now_ms < next_line_ms_) return;
  next_percent_ = percent + kStepPercent;
  next_line_ms_ = now_ms + kLineIntervalMs;
  Text<128> line;
  line << name_ << ' ' << percent << " %, " << bytes_stored / kMiB << " MiB stored";
  log_line(line.view());
}

}  // namespace warmdump
