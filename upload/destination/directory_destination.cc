#include "upload/destination/directory_destination.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <span>
#include <utility>
#include <vector>

#include "common/hosted/sha256.h"
#include "upload/destination/wanted.h"

namespace warmdump {
namespace {

constexpr int kOpenDirectory = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
constexpr std::string_view kProtocol = "dir";
constexpr ByteCount kChunkBytes = 256 * kKiB;

// What a system call at the target failed with. What is not here needs somebody: read-only, no right, no
// device. To add one: a row.
struct ErrnoRow {
  int system_errno;
  Remedy remedy;
};
constexpr ErrnoRow kErrnoTable[] = {
    {ENOSPC, Remedy::wait},
    {EDQUOT, Remedy::wait},
    {EBUSY, Remedy::wait},
    {EINTR, Remedy::wait},
    {EAGAIN, Remedy::wait},
    {EIO, Remedy::wait},
    {ESTALE, Remedy::wait},
    {ETIMEDOUT, Remedy::wait},
    {EHOSTDOWN, Remedy::wait},
    {EHOSTUNREACH, Remedy::wait},
    {ENETDOWN, Remedy::wait},
    {ENETUNREACH, Remedy::wait},
    {ECONNREFUSED, Remedy::wait},
    {ENOTCONN, Remedy::wait},
    {ENFILE, Remedy::wait},
    {ENOMEM, Remedy::wait},
    {EFBIG, Remedy::give_dump_up},         // FAT: 4 GiB
    {ENAMETOOLONG, Remedy::give_dump_up},  // eCryptfs: 143 bytes
};

SendFailure target_failure(const std::string& doing, int system_errno) {
  for (const auto& row : kErrnoTable) {
    if (row.system_errno == system_errno) return {Failure::system(doing, system_errno), row.remedy};
  }
  return {Failure::system(doing, system_errno), Remedy::change_sink};
}

// FAT by FUSE and some network file systems cannot flush a directory; their renames are as durable as they
// get.
int flush_directory(int directory) {
  const bool is_flushed = fsync(directory) == 0 || errno == EINVAL || errno == ENOTSUP || errno == ENOSYS;
  return is_flushed ? 0 : -1;
}

class DirectoryDestination final : public Destination {
 public:
  DirectoryDestination(std::string path, UniqueFd root) : path_(std::move(path)), root_(std::move(root)) {}

  std::string name() const override { return "dir:" + path_; }

  SendOutcome<Standing> open(const ObjectToSend& object, TransferSession& session) override {
    session = {};
    session.protocol = kProtocol;
    session.piece_size = object.size;
    Place place = TRY(open_place(object.key));
    Standing standing;
    if (TRY(is_there(place, object))) {
      standing.complete = ObjectReceipt{object.key, "", ""};
      standing.bytes_there = object.size;
    } else {
      standing.missing = {{1, 0, object.size}};
    }
    return standing;
  }

  SendOutcome<SentPiece> send(const ObjectToSend& object, const TransferSession&, const Piece& piece,
                              const BytesDone& done) override {
    const Place place = TRY(open_place(object.key));
    const std::string hidden = place.hidden_name();
    UniqueFd target(
        openat(place.directory.get(), hidden.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!target.valid()) return target_failure("cannot create " + shown(object), errno);
    // Any other error: locks do not exist there.
    if (flock(target.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
      return SendFailure(Failure(ErrorCode::busy, shown(object) + " is being written by another upload"),
                         Remedy::wait);
    }
    auto written = write(object, target.get(), done);
    if (!written.has_value()) {
      unlinkat(place.directory.get(), hidden.c_str(), 0);
      return std::move(written.error());
    }
    return SentPiece{piece, ""};
  }

  SendOutcome<ObjectReceipt> finish(const ObjectToSend& object, const TransferSession&) override {
    const Place place = TRY(open_place(object.key));
    if (renameat(place.directory.get(), place.hidden_name().c_str(), place.directory.get(),
                 place.name.c_str()) != 0) {
      // A rename that was done before, by us or by a server whose answer was lost.
      const int rename_errno = errno;
      const bool is_done = rename_errno == ENOENT && TRY(is_there(place, object));
      if (!is_done) return target_failure("cannot rename to " + shown(object), rename_errno);
    }
    if (flush_directory(place.directory.get()) != 0) {
      return target_failure("cannot make " + shown(object) + " durable", errno);
    }
    return ObjectReceipt{object.key, "", ""};
  }

  SendOutcome<std::optional<Want>> asked_for(std::string_view dump_key) override {
    const Place place = TRY(open_place(std::string(dump_key) + "/" + std::string(kWantName)));
    const UniqueFd fd(
        openat(place.directory.get(), place.name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    std::array<char, 64> word{};
    const ssize_t size = fd.valid() ? read(fd.get(), word.data(), word.size()) : 0;
    return parse_want({word.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))});
  }

  void abandon(const ObjectToSend& object, const TransferSession&) override {
    const auto place = open_place(object.key);
    if (place.has_value()) unlinkat(place->directory.get(), place->hidden_name().c_str(), 0);
  }

 private:
  struct Place {
    UniqueFd directory;
    std::string name;

    std::string hidden_name() const { return "." + name + ".partial"; }
  };

  std::string shown(const ObjectToSend& object) const { return path_ + "/" + object.key; }

  // The directory of an object, made if it is missing. No symbolic link is followed below PATH.
  SendOutcome<Place> open_place(std::string_view key) const {
    Place place{UniqueFd(openat(root_.get(), ".", kOpenDirectory)), ""};
    if (!place.directory.valid()) return target_failure("cannot open " + path_, errno);
    for (std::size_t slash; (slash = key.find('/')) != key.npos; key.remove_prefix(slash + 1)) {
      const std::string segment(key.substr(0, slash));
      if (segment.empty() || segment.starts_with('.')) return bad_key(key);
      const bool is_new = mkdirat(place.directory.get(), segment.c_str(), 0700) == 0;
      if (!is_new && errno != EEXIST)
        return target_failure("cannot create " + segment + " in " + path_, errno);
      if (is_new && flush_directory(place.directory.get()) != 0) {
        return target_failure("cannot make " + path_ + " durable", errno);
      }
      UniqueFd next(openat(place.directory.get(), segment.c_str(), kOpenDirectory));
      if (!next.valid()) return target_failure("cannot open " + segment + " in " + path_, errno);
      place.directory = std::move(next);
    }
    if (key.empty() || key.starts_with('.')) return bad_key(key);
    place.name = key;
    return place;
  }

  SendOutcome<bool> is_there(const Place& place, const ObjectToSend& object) const {
    const UniqueFd fd(
        openat(place.directory.get(), place.name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!fd.valid() && errno == ENOENT) return false;
    if (!fd.valid()) return target_failure("cannot open " + shown(object), errno);
    struct stat status {};
    const bool is_alike = fstat(fd.get(), &status) == 0 && S_ISREG(status.st_mode) &&
                          static_cast<ByteCount>(status.st_size) == object.size;
    if (is_alike && TRY(in_context(shown(object), sha256_of_file(fd.get(), object.size, [](ByteCount) {}))) ==
                        object.sha256) {
      return true;
    }
    return SendFailure(
        Failure(ErrorCode::refused, shown(object) + " exists and holds something else; move it away or "
                                                    "choose another directory"),
        Remedy::give_dump_up);
  }

  static SendFailure bad_key(std::string_view key) {
    return {Failure(ErrorCode::invalid, "\"" + std::string(key) + "\" cannot be the name of a file"),
            Remedy::give_dump_up};
  }

  SendOutcome<void> write(const ObjectToSend& object, int target, const BytesDone& done) const {
    const std::string doing = "cannot copy to " + shown(object);
    if (ftruncate(target, 0) != 0) return target_failure(doing, errno);
    Sha256 hash = TRY(Sha256::begin());
    std::vector<std::byte> chunk(std::min<ByteCount>(std::max<ByteCount>(object.size, 1), kChunkBytes));
    for (ByteCount offset = 0; offset < object.size;) {
      const auto wanted = std::span(chunk).first(std::min<ByteCount>(chunk.size(), object.size - offset));
      const std::size_t got = TRY(in_context(doing, object.bytes->read(offset, wanted)));
      if (got == 0) {
        return SendFailure(
            Failure(ErrorCode::corrupt, fmt::format("{}: ends early, at offset {:#x}", doing, offset)));
      }
      hash.add(wanted.first(got));
      TRY(write_all_at(target, offset, wanted.first(got), doing));
      offset += got;
      done(offset);
    }
    if (TRY(hash.finish()) != object.sha256) {
      return SendFailure(Failure(ErrorCode::corrupt, doing + ": it was changed since it was hashed"));
    }
    if (fsync(target) != 0) return target_failure("cannot make " + shown(object) + " durable", errno);
    return {};
  }

  static SendOutcome<void> write_all_at(int target, ByteCount offset, std::span<const std::byte> bytes,
                                        const std::string& doing) {
    while (!bytes.empty()) {
      const ssize_t written = pwrite(target, bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return target_failure(doing + fmt::format(", at offset {:#x}", offset), errno);
      bytes = bytes.subspan(static_cast<std::size_t>(written));
      offset += static_cast<ByteCount>(written);
    }
    return {};
  }

  std::string path_;
  UniqueFd root_;
};

}  // namespace

Outcome<std::unique_ptr<Destination>> make_directory_destination(const std::string& address,
                                                                 const DestinationOptions&) {
  const std::string path = address.substr(std::string_view("dir:").size());
  const std::unique_ptr<char, void (*)(void*)> real_path(realpath(path.c_str(), nullptr), std::free);
  if (!real_path) return Failure::system("cannot open destination directory \"" + path + "\"", errno);
  UniqueFd root(open(real_path.get(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root.valid()) return Failure::system("cannot open destination directory \"" + path + "\"", errno);
  return std::unique_ptr<Destination>(
      std::make_unique<DirectoryDestination>(real_path.get(), std::move(root)));
}

}  // namespace warmdump
