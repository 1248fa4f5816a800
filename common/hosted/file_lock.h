// FileLock: an exclusive flock(2) on a file or directory, held until destroyed. It dies with the process, so
// that a killed program leaves no lock behind.

#pragma once

#include <filesystem>

#include "common/hosted/failure.h"
#include "common/hosted/unique_fd.h"

namespace warmdump {

// Held by every program that changes regions.
inline constexpr const char* kRegionLockPath = "/run/warmdump.lock";

class FileLock {
 public:
  // Locks `path`, which is made as an empty file when nothing is there. Does not wait.
  // Errors: busy when somebody else holds it; those of open(2).
  static Outcome<FileLock> take(const std::filesystem::path& path);
  // The same, but waits for as long as somebody else holds it.
  static Outcome<FileLock> wait_for(const std::filesystem::path& path);

 private:
  explicit FileLock(UniqueFd fd) : fd_(std::move(fd)) {}

  UniqueFd fd_;
};

}  // namespace warmdump
