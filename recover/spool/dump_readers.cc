#include "recover/spool/dump_readers.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/hosted/unique_fd.h"

namespace warmdump {
namespace {

namespace fs = std::filesystem;

void give(const fs::path& path, int flags, gid_t group, mode_t mode) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | flags));
  // First the group: the rights must not reach another one meanwhile.
  if (!fd.valid() || ::fchown(fd.get(), static_cast<uid_t>(-1), group) != 0) return;
  (void)::fchmod(fd.get(), mode);
}

}  // namespace

std::optional<gid_t> dump_readers() {
  if (::geteuid() != 0) return std::nullopt;
  const group* const found = ::getgrnam(kDumpReadersGroup);
  return found == nullptr ? std::nullopt : std::optional(found->gr_gid);
}

void let_group_read(const fs::path& directory, gid_t group) {
  std::error_code error;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error)) {
    const fs::file_status status = entry->symlink_status(error);
    if (error) return;
    if (fs::is_directory(status)) let_group_read(entry->path(), group);
    if (fs::is_regular_file(status)) give(entry->path(), 0, group, 0640);
  }
  give(directory, O_DIRECTORY, group, 0750);
}

void let_group_enter(const fs::path& spool, gid_t group) {
  struct stat status {};
  if (::stat(spool.c_str(), &status) != 0 || status.st_uid != ::geteuid()) return;
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) == 0) give(spool, O_DIRECTORY, group, 0750);
}

}  // namespace warmdump
