#include "upload/queue/state_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "common/hosted/whole_file.h"

namespace warmdump {
namespace {

const std::string kLockName = "lock";

Failure nothing_there(const std::string& path) {
  return Failure(ErrorCode::refused, path + " is open for reading only");
}

class DirectoryStateFiles final : public StateFiles {
 public:
  // `directory` is not valid when there is none and nothing is to be made.
  DirectoryStateFiles(std::string path, UniqueFd directory, bool is_writable)
      : path_(std::move(path)), directory_(std::move(directory)), is_writable_(is_writable) {}

  Outcome<UniqueFd> lock() override {
    UniqueFd fd = TRY(create(kLockName, 0));
    if (flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return fd;
    if (errno != EWOULDBLOCK) return Failure::system("cannot lock " + shown(kLockName), errno);
    return Failure(ErrorCode::busy, "another upload is at work (" + shown(kLockName) + " is locked)");
  }

  Outcome<std::vector<std::string>> names() override {
    std::vector<std::string> names;
    if (!directory_.valid()) return names;
    const int copy = openat(directory_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (copy < 0) return Failure::system("cannot list " + path_, errno);
    const std::unique_ptr<DIR, int (*)(DIR*)> entries(fdopendir(copy), closedir);
    errno = 0;
    while (const dirent* entry = readdir(entries.get())) {
      if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
      errno = 0;
    }
    if (errno != 0) return Failure::system("cannot list " + path_, errno);
    std::sort(names.begin(), names.end());
    return names;
  }

  Outcome<std::optional<std::string>> read(const std::string& name, ByteCount size_max) override {
    if (!directory_.valid()) return std::optional<std::string>();
    const UniqueFd fd(openat(directory_.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!fd.valid() && errno == ENOENT) return std::optional<std::string>();
    if (!fd.valid()) return Failure::system("cannot open " + shown(name), errno);
    struct stat status {};
    if (fstat(fd.get(), &status) != 0) return Failure::system("cannot look at " + shown(name), errno);
    if (!S_ISREG(status.st_mode)) return Failure(ErrorCode::corrupt, shown(name) + " is not a plain file");
    if (static_cast<ByteCount>(status.st_size) > size_max) {
      return Failure(ErrorCode::no_space, fmt::format("{} is larger than {} bytes", shown(name), size_max));
    }
    std::string text(static_cast<std::size_t>(status.st_size), '\0');
    std::size_t done = 0;
    while (done < text.size()) {
      const ssize_t got = ::read(fd.get(), text.data() + done, text.size() - done);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return Failure::system("cannot read " + shown(name), errno);
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    text.resize(done);
    return std::optional(std::move(text));
  }

  Outcome<void> write(const std::string& name, std::string_view text) override {
    TRY(remove(name));
    const UniqueFd fd = TRY(create(name, O_EXCL));
    return write_all(fd.get(), text, shown(name));
  }

  Outcome<void> flush(const std::string& name) override {
    const UniqueFd fd(openat(directory_.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd.valid() || fsync(fd.get()) != 0) return Failure::system("cannot flush " + shown(name), errno);
    return {};
  }

  Outcome<void> rename(const std::string& from, const std::string& to) override {
    if (!is_writable_) return nothing_there(path_);
    if (renameat(directory_.get(), from.c_str(), directory_.get(), to.c_str()) == 0) return {};
    return Failure::system("cannot rename " + shown(from) + " to " + to, errno);
  }

  Outcome<void> remove(const std::string& name) override {
    if (!is_writable_) return nothing_there(path_);
    if (unlinkat(directory_.get(), name.c_str(), 0) == 0 || errno == ENOENT) return {};
    return Failure::system("cannot remove " + shown(name), errno);
  }

  Outcome<void> flush_names() override {
    // EINVAL: a file system that has nothing to flush.
    if (fsync(directory_.get()) == 0 || errno == EINVAL) return {};
    return Failure::system("cannot flush " + path_, errno);
  }

 private:
  std::string shown(const std::string& name) const { return path_ + "/" + name; }

  Outcome<UniqueFd> create(const std::string& name, int flags) const {
    if (!is_writable_) return nothing_there(path_);
    UniqueFd fd(openat(directory_.get(), name.c_str(),
                       O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | flags, 0600));
    if (!fd.valid()) return Failure::system("cannot create " + shown(name), errno);
    TRY(give_to_owner(fd.get(), name));
    return fd;
  }

  // What root writes by hand, the service has to be able to read and replace.
  Outcome<void> give_to_owner(int fd, const std::string& name) const {
    struct stat owner {};
    if (geteuid() != 0 || fstat(directory_.get(), &owner) != 0 || owner.st_uid == 0) return {};
    if (fchown(fd, owner.st_uid, owner.st_gid) == 0) return {};
    return Failure::system("cannot give " + shown(name) + " to its owner", errno);
  }

  std::string path_;
  UniqueFd directory_;
  bool is_writable_;
};

Outcome<UniqueFd> open_directory(const std::string& directory) {
  UniqueFd fd(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (fd.valid()) return fd;
  const int open_errno = errno;
  auto failure = Failure::system("cannot open the state directory " + directory, open_errno);
  if (open_errno == ENOTDIR || open_errno == ELOOP) failure.code = ErrorCode::invalid;
  return failure;
}

}  // namespace

Outcome<void> replace_durably(StateFiles& files, const std::string& name, std::string_view text) {
  const std::string temporary = "." + name + ".new";
  auto published = [&]() -> Outcome<void> {
    TRY(files.write(temporary, text));
    TRY(files.flush(temporary));
    return files.rename(temporary, name);
  }();
  if (!published.has_value()) {
    (void)files.remove(temporary);
    return published;
  }
  return files.flush_names();
}

Outcome<std::unique_ptr<StateFiles>> open_state_directory(const std::string& directory) {
  std::error_code error;
  const auto parent = std::filesystem::path(directory).parent_path();
  if (!parent.empty()) std::filesystem::create_directories(parent, error);
  if (mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    return Failure::system("cannot create the state directory " + directory, errno);
  }
  UniqueFd fd = TRY(open_directory(directory));
  return std::unique_ptr<StateFiles>(std::make_unique<DirectoryStateFiles>(directory, std::move(fd), true));
}

Outcome<std::unique_ptr<StateFiles>> open_state_for_reading(const std::string& directory) {
  auto fd = open_directory(directory);
  if (!fd && fd.error().code != ErrorCode::not_found) return std::move(fd.error());
  return std::unique_ptr<StateFiles>(
      std::make_unique<DirectoryStateFiles>(directory, fd ? std::move(*fd) : UniqueFd(), false));
}

}  // namespace warmdump
