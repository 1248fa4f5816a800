#include "arm/load/rearming.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <thread>

#include "common/hosted/file_lock.h"

namespace warmdump {
namespace {

using std::chrono::milliseconds;

std::optional<timespec> last_event(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  return status.st_mtim;
}

bool same(const std::optional<timespec>& a, const std::optional<timespec>& b) {
  return a.has_value() == b.has_value() && (!a || (a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec));
}

// By whether the file changes, not by its age: clocks are set, too.
void wait_until_quiet(const std::string& wanted, milliseconds quiet) {
  std::optional<timespec> seen = last_event(wanted);
  for (unsigned round = 0; round < kDebounceRoundsMax; ++round) {
    std::this_thread::sleep_for(quiet);
    const auto now = last_event(wanted);
    if (same(seen, now)) return;
    seen = now;
  }
}

}  // namespace

Outcome<Rearming> rearm_when_quiet(const std::string& run_directory, milliseconds quiet,
                                   const std::function<Outcome<void>()>& reload) {
  const std::string wanted = run_directory + "/rearm-wanted";
  Rearming rearming;
  do {
    auto lock = FileLock::take(run_directory + "/rearm.lock");
    if (!lock.has_value()) {
      if (lock.error().code != ErrorCode::busy) return std::move(lock.error());
      rearming.left_to_another = true;
      return rearming;
    }
    do {
      wait_until_quiet(wanted, quiet);
      // Before the machine is looked at: an event from here on wants another reload.
      if (::unlink(wanted.c_str()) != 0 && errno != ENOENT) {
        return Failure::system("cannot remove " + wanted, errno);
      }
      TRY(reload());
      ++rearming.reloads;
    } while (last_event(wanted).has_value());
  } while (last_event(wanted).has_value());
  return rearming;
}

}  // namespace warmdump
