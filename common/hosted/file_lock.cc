#include "common/hosted/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>

namespace warmdump {

namespace {

Outcome<UniqueFd> open_lock(const std::filesystem::path& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC, 0600));
  if (!fd.valid() && errno == EISDIR) fd = UniqueFd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return Failure::system("cannot open " + path.string(), errno);
  return fd;
}

}  // namespace

Outcome<FileLock> FileLock::take(const std::filesystem::path& path) {
  UniqueFd fd = TRY(open_lock(path));
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return FileLock(std::move(fd));
  if (errno == EWOULDBLOCK) {
    return Failure(ErrorCode::busy,
                   path.string() + " is locked: another `warmdump` is at work, try again later");
  }
  return Failure::system("cannot lock " + path.string(), errno);
}

Outcome<FileLock> FileLock::wait_for(const std::filesystem::path& path) {
  UniqueFd fd = TRY(open_lock(path));
  while (::flock(fd.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return Failure::system("cannot lock " + path.string(), errno);
  }
  return FileLock(std::move(fd));
}

}  // namespace warmdump
