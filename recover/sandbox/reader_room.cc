#include "recover/sandbox/reader_room.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string>
#include <vector>

namespace warmdump {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRoomName = ".reading";
constexpr std::size_t kEntriesMax = 1000;
constexpr int kDepthMax = 4;

bool is_decent(const std::string& name) {
  return std::none_of(name.begin(), name.end(), [](char character) {
    const auto byte = static_cast<unsigned char>(character);
    return byte < 0x20 || byte == 0x7f;
  });
}

Failure refused(const std::string& name, const char* why) {
  return {ErrorCode::refused, fmt::format("the process that reads the dump left {}, which is {}: nothing of "
                                          "what it wrote is kept",
                                          is_decent(name) ? name : "a file", why)};
}

Outcome<std::vector<std::string>> names_in(int directory) {
  const int duplicate = ::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(duplicate < 0 ? nullptr : ::fdopendir(duplicate),
                                                   ::closedir);
  if (!stream) {
    const int error = errno;
    if (duplicate >= 0) ::close(duplicate);
    return Failure::system("cannot read what was extracted", error);
  }
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(stream.get())) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
    if (names.size() > kEntriesMax) return refused("more files", "more than any dump has");
  }
  if (errno != 0) return Failure::system("cannot read what was extracted", errno);
  return names;
}

// Looks at everything below a directory and makes it ours, through descriptors: no name is followed twice.
class TakeOver {
 public:
  explicit TakeOver(uid_t owner) : owner_(owner) {}

  Outcome<void> all_in(int directory, int depth) {
    if (depth > kDepthMax) return refused("directories", "nested too deeply");
    for (const std::string& name : TRY(names_in(directory))) {
      if (++entries_ > kEntriesMax) return refused("more files", "more than any dump has");
      if (!is_decent(name)) return refused(name, "of a name with control characters");
      TRY(one(directory, name, depth));
    }
    return {};
  }

  ByteCount bytes() const { return bytes_; }

 private:
  Outcome<void> one(int directory, const std::string& name, int depth) {
    // O_NONBLOCK: a pipe would wait for somebody at its other end.
    const UniqueFd fd(::openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!fd.valid() && errno == ELOOP) return refused(name, "a symbolic link");
    if (!fd.valid() && errno == ENXIO) return refused(name, "no plain file");
    if (!fd.valid()) return Failure::system("cannot open " + name, errno);
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0) return Failure::system("cannot look at " + name, errno);
    const bool is_directory = S_ISDIR(status.st_mode);
    if (!is_directory && !S_ISREG(status.st_mode)) return refused(name, "no plain file");
    if (!is_directory && status.st_nlink != 1) return refused(name, "a file of several names");
    if (status.st_uid != owner_) return refused(name, "a file of somebody else");
    if (is_directory) {
      TRY(all_in(fd.get(), depth + 1));
    } else {
      bytes_ += static_cast<ByteCount>(status.st_size);
    }
    // The owner first: what root may do to his own files takes no capability.
    if (owner_ != ::geteuid() && ::fchown(fd.get(), ::geteuid(), ::getegid()) != 0)
      return Failure::system("cannot become the owner of " + name, errno);
    if (::fchmod(fd.get(), is_directory ? 0700 : 0600) != 0)
      return Failure::system("cannot set the mode of " + name, errno);
    return {};
  }

  uid_t owner_;
  std::size_t entries_ = 0;
  ByteCount bytes_ = 0;
};

Outcome<void> move_entry(int from, int to, const std::string& name) {
  if (::renameat2(from, name.c_str(), to, name.c_str(), RENAME_NOREPLACE) == 0) return {};
  if (errno == EEXIST) return refused(name, "the name of another file");
  // Some file systems cannot promise not to replace.
  if (errno != EINVAL) return Failure::system("cannot move " + name, errno);
  struct stat status {};
  if (::fstatat(to, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0)
    return refused(name, "the name of another file");
  if (::renameat(from, name.c_str(), to, name.c_str()) != 0)
    return Failure::system("cannot move " + name, errno);
  return {};
}

}  // namespace

Outcome<ReaderRoom> ReaderRoom::make(const fs::path& spool, const std::optional<ReaderUser>& user) {
  remove_reader_room(spool);
  const fs::path path = spool / kRoomName;
  if (::mkdir(path.c_str(), 0700) != 0) return Failure::system("cannot make " + path.string(), errno);
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.valid()) return Failure::system("cannot open " + path.string(), errno);
  ReaderRoom room(path, std::move(fd), user ? user->uid : ::geteuid());
  if (user && ::fchown(room.fd_.get(), user->uid, user->gid) != 0) {
    return Failure::system(fmt::format("cannot give {} to {}", path.string(), user->name), errno);
  }
  return room;
}

ReaderRoom::~ReaderRoom() {
  std::error_code ignored;
  if (fd_.valid()) fs::remove_all(path_, ignored);
}

Outcome<ByteCount> ReaderRoom::move_into(const fs::path& directory) const {
  TakeOver take_over(owner_);
  TRY(take_over.all_in(fd_.get(), 0));
  const UniqueFd target(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!target.valid()) return Failure::system("cannot open " + directory.string(), errno);
  for (const std::string& name : TRY(names_in(fd_.get()))) TRY(move_entry(fd_.get(), target.get(), name));
  return take_over.bytes();
}

void remove_reader_room(const fs::path& spool) {
  std::error_code ignored;
  fs::remove_all(spool / kRoomName, ignored);
}

}  // namespace warmdump
