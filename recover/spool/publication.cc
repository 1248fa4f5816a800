#include "recover/spool/publication.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "common/hosted/dump_directory_names.h"
#include "common/hosted/unique_fd.h"
#include "common/hosted/whole_file.h"
#include "recover/spool/dump_removal.h"

namespace warmdump {
namespace {

namespace fs = std::filesystem;

struct Names {
  Names(const fs::path& spool, const std::string& dump_id)
      : saving(spool / ("." + dump_id + ".saving" + std::string(kIncompleteSuffix))),
        saved(spool / ("." + dump_id + ".saved" + std::string(kIncompleteSuffix))) {}
  fs::path saving;
  fs::path saved;
};

Outcome<void> flush(const fs::path& path, int flags) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | flags));
  if (!fd.valid()) return Failure::system("cannot open " + path.string(), errno);
  if (::fsync(fd.get()) != 0) return Failure::system("cannot flush " + path.string(), errno);
  return {};
}

Outcome<void> write_note(const fs::path& path, const std::string& dump_id) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.valid()) return Failure::system("cannot make " + path.string(), errno);
  TRY(write_all(fd.get(), dump_id + "\n", path.string()));
  if (::fsync(fd.get()) != 0) return Failure::system("cannot flush " + path.string(), errno);
  return {};
}

// 0 or an errno.
int move(const fs::path& from, const fs::path& to, unsigned flags) {
  return ::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), flags) == 0 ? 0 : errno;
}

// `to` was looked for and not found, by who has the spool locked.
int move_to_new_name(const fs::path& from, const fs::path& to) {
  const int error = move(from, to, RENAME_NOREPLACE);
  if (error != EINVAL) return error;
  return ::rename(from.c_str(), to.c_str()) == 0 ? 0 : errno;
}

// False where names cannot be exchanged; `incomplete` then has its name again.
Outcome<bool> exchange_with_note(const Names& names, const std::string& dump_id, const fs::path& incomplete) {
  TRY(write_note(names.saved, dump_id));
  if (const int error = move(incomplete, names.saving, 0))
    return Failure::system("cannot rename " + incomplete.string(), error);
  // What the next change relies on must not come after it.
  TRY(flush(incomplete.parent_path(), O_DIRECTORY));
  if (move(names.saving, names.saved, RENAME_EXCHANGE) == 0) return true;
  if (const int error = move(names.saving, incomplete, 0))
    return Failure::system("cannot rename " + names.saving.string(), error);
  return false;
}

}  // namespace

Outcome<void> publish_directory(const fs::path& spool, const std::string& dump_id, const fs::path& incomplete,
                                const fs::path& target) {
  const Names names(spool, dump_id);
  forget_publication(spool, dump_id);
  const auto exchanged = exchange_with_note(names, dump_id, incomplete);
  if (!exchanged) {
    forget_publication(spool, dump_id);
    return exchanged.error();
  }
  if (const int error = move_to_new_name(*exchanged ? names.saved : incomplete, target)) {
    forget_publication(spool, dump_id);
    return Failure::system("cannot rename " + incomplete.string(), error);
  }
  if (!*exchanged) forget_publication(spool, dump_id);
  return flush(spool, O_DIRECTORY);
}

bool was_published(const fs::path& spool, const std::string& dump_id) {
  const Names names(spool, dump_id);
  std::error_code error;
  const fs::file_status saved = fs::symlink_status(names.saved, error);
  if (saved.type() != fs::file_type::not_found) return false;
  if (fs::symlink_status(names.saving, error).type() != fs::file_type::regular) return false;
  const auto note = read_whole_file(names.saving, 4096);
  return note && *note == dump_id + "\n";
}

void forget_publication(const fs::path& spool, const std::string& dump_id) {
  const Names names(spool, dump_id);
  bool removed = false;
  for (const fs::path& path : {names.saving, names.saved}) {
    std::error_code error;
    if (fs::symlink_status(path, error).type() == fs::file_type::directory) {
      remove_dump_directory(path);
      removed = true;
    } else {
      removed = ::unlink(path.c_str()) == 0 || removed;
    }
  }
  // Nobody asks for it again once the region is cleared, which comes next.
  if (removed) static_cast<void>(flush(spool, O_DIRECTORY));
}

}  // namespace warmdump
