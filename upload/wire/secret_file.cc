#include "upload/wire/secret_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string_view>

#include "common/hosted/unique_fd.h"

namespace warmdump {
namespace {

constexpr std::string_view kCredentialPrefix = "credential:";

Outcome<UniqueFd> open_credential(const std::string& name) {
  if (name.empty() || name.starts_with('.') || name.find('/') != std::string::npos) {
    return Failure(ErrorCode::invalid, "must be credential:NAME, the name of a credential of the unit");
  }
  const char* const directory = std::getenv("CREDENTIALS_DIRECTORY");
  if (directory == nullptr || directory[0] != '/') {
    return Failure(ErrorCode::not_found,
                   "systemd gave this process no credentials; is LoadCredential= in the unit?");
  }
  const UniqueFd parent(open(directory, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!parent.valid()) return Failure::system(std::string("cannot open ") + directory, errno);
  UniqueFd fd(openat(parent.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd.valid()) return Failure::system("cannot open it", errno);
  return fd;
}

Outcome<UniqueFd> open_plain(const std::string& path) {
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd.valid() && errno == ELOOP) return Failure(ErrorCode::refused, "is a symbolic link");
  if (!fd.valid()) return Failure::system("cannot open it", errno);
  return fd;
}

Outcome<void> check_private(const UniqueFd& fd, mode_t rights_of_others) {
  struct stat status {};
  if (fstat(fd.get(), &status) != 0) return Failure::system("cannot look at it", errno);
  if (!S_ISREG(status.st_mode)) return Failure(ErrorCode::invalid, "is not a plain file");
  if ((status.st_mode & rights_of_others) != 0) {
    return Failure(ErrorCode::refused, "others can read or change it; chmod 0600 it");
  }
  if (status.st_uid != geteuid() && status.st_uid != 0) {
    return Failure(ErrorCode::refused, "belongs to somebody else; chown it");
  }
  return {};
}

Outcome<std::unique_ptr<WipedText>> read_all(const UniqueFd& fd, ByteCount size_max) {
  auto secret = std::make_unique<WipedText>(std::string(size_max + 1, '\0'));
  std::string& text = secret->text();
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = read(fd.get(), text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Failure::system("cannot read it", errno);
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size > size_max) {
    return Failure(ErrorCode::invalid, fmt::format("is larger than {} bytes", size_max));
  }
  text.resize(size);
  return secret;
}

Outcome<std::unique_ptr<WipedText>> read_secret(const std::string& path, ByteCount size_max) {
  const bool is_credential = path.starts_with(kCredentialPrefix);
  const UniqueFd fd =
      is_credential ? TRY(open_credential(path.substr(kCredentialPrefix.size()))) : TRY(open_plain(path));
  TRY(check_private(fd, is_credential ? 0027 : 0077));
  return read_all(fd, size_max);
}

}  // namespace

Outcome<std::unique_ptr<WipedText>> read_secret_file(const std::string& path, const std::string& what,
                                                     ByteCount size_max) {
  return in_context(what + " " + path, read_secret(path, size_max));
}

}  // namespace warmdump
