// ReaderRoom: the one directory that the reader of a dump sees and fills, `.reading` in the spool. What it
// leaves there is looked at, given to who runs this process, and moved to where dumps lie.

#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>

#include "common/hosted/failure.h"
#include "common/hosted/unique_fd.h"
#include "common/units.h"
#include "recover/sandbox/reader_user.h"

namespace warmdump {

class ReaderRoom {
 public:
  // Makes it, 0700 and of `user`, in the directory `spool`, which exists; what a killed run left of it is
  // removed. Errors: no_permission (also: the file system knows no owners), no_space, io.
  static Outcome<ReaderRoom> make(const std::filesystem::path& spool, const std::optional<ReaderUser>& user);

  ReaderRoom(ReaderRoom&&) = default;
  ReaderRoom& operator=(ReaderRoom&&) = delete;
  ~ReaderRoom();  // removes it with what is in it

  const std::filesystem::path& path() const { return path_; }

  // Moves everything in it into `directory`, on the same file system, as files of this process's user with
  // mode 0600. Whoever filled the room must be gone. Returns the size of all files.
  // Errors: refused (anything but plain files and directories of the reader with one name each, a name with
  // control characters, one that `directory` has already; nothing of it is followed or moved), io.
  Outcome<ByteCount> move_into(const std::filesystem::path& directory) const;

 private:
  ReaderRoom(std::filesystem::path path, UniqueFd fd, uid_t owner)
      : path_(std::move(path)), fd_(std::move(fd)), owner_(owner) {}

  std::filesystem::path path_;
  UniqueFd fd_;
  uid_t owner_;  // of what may be in it
};

// Removes the room that a killed run left in `spool`, if any. Best effort.
void remove_reader_room(const std::filesystem::path& spool);

}  // namespace warmdump
