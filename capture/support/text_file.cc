#include "capture/support/text_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace warmdump {

Result<TextFile> read_text_file(const char* path, std::span<char> buffer) {
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Error::system("cannot open", errno);
  TextFile file;
  char beyond = 0;
  int error = 0;
  for (;;) {
    const auto room = buffer.subspan(file.size);
    const ssize_t count = ::read(fd, room.empty() ? &beyond : room.data(), room.empty() ? 1 : room.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) error = errno;
    file.is_cut = count > 0 && room.empty();
    if (count <= 0 || room.empty()) break;
    file.size += static_cast<std::size_t>(count);
  }
  ::close(fd);
  if (error != 0) return Error::system("cannot read", error);
  return file;
}

Result<void> write_text_file(const char* path, std::string_view value) {
  const int fd = ::open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return Error::system("cannot open", errno);
  const ssize_t written = ::write(fd, value.data(), value.size());
  const int error = errno;
  ::close(fd);
  if (written < 0) return Error::system("cannot write", error);
  return {};
}

}  // namespace warmdump
