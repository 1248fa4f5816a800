#include "arm/load/crash_loop_hold.h"

#include <time.h>

namespace warmdump {

Outcome<std::optional<CrashLoopRecord>> standing_crash_loop(const std::string& path,
                                                            const std::string& boot_id,
                                                            std::uint64_t uptime_s, bool end_it) {
  auto record = TRY(read_crash_loop(path));
  if (!record || !record->stands) return std::optional<CrashLoopRecord>();
  if (!end_it && uptime_s < record->window_s) return record;
  record->stands = false;
  record->boot_id = boot_id;
  TRY(store_crash_loop(*record, path));
  return std::optional<CrashLoopRecord>();
}

std::uint64_t running_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec);
}

}  // namespace warmdump
