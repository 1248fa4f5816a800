#include "recover/outcome/crash_loop.h"

#include <ctime>

namespace warmdump {
namespace {

std::optional<std::int64_t> seconds_of(const std::string& time) {
  std::tm parts{};
  const char* const end = ::strptime(time.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  if (end == nullptr || *end != '\0') return std::nullopt;
  return ::timegm(&parts);
}

std::optional<std::uint64_t> between(const BootOutcome& earlier, const BootOutcome& later) {
  const auto start = seconds_of(earlier.time);
  const auto end = seconds_of(later.time);
  if (!start || !end || *end < *start) return std::nullopt;
  return static_cast<std::uint64_t>(*end - *start);
}

CrashLoopRecord ended(const CrashLoopRecord& record, const std::string& boot_id) {
  CrashLoopRecord end = record;
  end.stands = false;
  end.boot_id = boot_id;
  return end;
}

}  // namespace

std::optional<std::uint64_t> lasted_s(const BootOutcome& outcome) {
  if (outcome.previous.lasted_s) return outcome.previous.lasted_s;
  if (!outcome.crash) return std::nullopt;
  // A dump may have waited over some boots: then it tells nothing of the one before this.
  const bool is_of_previous = outcome.previous.boot_id.empty() || outcome.crash->boot_id.empty() ||
                              outcome.crash->boot_id == outcome.previous.boot_id;
  return is_of_previous ? outcome.crash->uptime_s : std::nullopt;
}

std::optional<CrashLoopRecord> find_crash_loop(const std::vector<BootOutcome>& boots,
                                               const CrashLoopLimits& limits, const std::string& since) {
  if (limits.crashes == 0 || boots.empty() || !is_crash(boots.back().outcome)) return std::nullopt;
  CrashLoopRecord loop{true, boots.back().boot_id, 0, limits.window_s, "", ""};
  std::uint64_t span_s = 0;
  for (std::size_t i = boots.size(); i-- > 0;) {
    const BootOutcome& boot = boots[i];
    if (!since.empty() && boot.boot_id == since) break;
    if (is_crash(boot.outcome)) {
      ++loop.crashes;
      if (boot.dump) {
        loop.first_dump = boot.dump->id;
        loop.first_directory = boot.dump->directory;
      }
      if (loop.crashes == limits.crashes) return loop;
    }
    auto ran_s = lasted_s(boot);
    if (!ran_s && i > 0) ran_s = between(boots[i - 1], boot);
    if (!ran_s) break;
    span_s += *ran_s;
    if (span_s > limits.window_s) break;
  }
  return std::nullopt;
}

std::optional<CrashLoopRecord> next_crash_loop(const std::optional<CrashLoopRecord>& recorded,
                                               const std::vector<BootOutcome>& boots,
                                               const CrashLoopLimits& limits) {
  if (boots.empty()) return std::nullopt;
  const BootOutcome& last = boots.back();
  if (!recorded || !recorded->stands) {
    return find_crash_loop(boots, limits, recorded ? recorded->boot_id : "");
  }
  const auto ran_s = lasted_s(last);
  const bool is_over = limits.crashes == 0 || (ran_s && *ran_s >= recorded->window_s);
  return is_over ? std::optional(ended(*recorded, last.boot_id)) : std::nullopt;
}

}  // namespace warmdump
