#include "common/hosted/whole_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "common/hosted/unique_fd.h"

namespace warmdump {

Outcome<std::string> read_whole_file(const std::string& path, ByteCount size_max) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return Failure::system("cannot open " + path, errno);
  std::string content;
  char buffer[64 * kKiB];
  for (;;) {
    const ssize_t count = ::read(fd.get(), buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return Failure::system("cannot read " + path, errno);
    if (count == 0) return content;
    if (content.size() + static_cast<std::size_t>(count) > size_max) {
      return Failure(ErrorCode::no_space, fmt::format("{} is larger than {} bytes", path, size_max));
    }
    content.append(buffer, static_cast<std::size_t>(count));
  }
}

Outcome<void> write_all(int fd, std::string_view bytes, const std::string& name) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return Failure::system("cannot write " + name, errno);
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

namespace {

Outcome<void> write_durably(const std::string& path, std::string_view bytes) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.valid()) return Failure::system("cannot create " + path, errno);
  TRY(write_all(fd.get(), bytes, path));
  if (::fchmod(fd.get(), 0600) != 0) return Failure::system("cannot set the mode of " + path, errno);
  if (::fsync(fd.get()) != 0) return Failure::system("cannot flush " + path, errno);
  return {};
}

// So that the rename itself survives a crash.
Outcome<void> flush_directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return Failure::system("cannot open " + directory, errno);
  // EINVAL: a file system that has nothing to flush.
  if (::fsync(fd.get()) != 0 && errno != EINVAL) return Failure::system("cannot flush " + directory, errno);
  return {};
}

}  // namespace

Outcome<void> write_whole_file(const std::string& path, std::string_view bytes) {
  const std::string new_path = path + ".new";
  auto written = write_durably(new_path, bytes);
  if (written.has_value() && ::rename(new_path.c_str(), path.c_str()) != 0) {
    const int rename_errno = errno;
    ::unlink(new_path.c_str());
    return Failure::system(fmt::format("cannot rename {} to {}", new_path, path), rename_errno);
  }
  if (!written.has_value()) {
    ::unlink(new_path.c_str());
    return written;
  }
  return flush_directory_of(path);
}

}  // namespace warmdump
