#include "upload/queue/tidy.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "common/hosted/dump_directory_names.h"
#include "upload/queue/receipt.h"
#include "upload/queue/record_store.h"

namespace warmdump {
namespace {

constexpr std::string_view kDumpIdFile =
    ".dump-id";  // of recover: it goes last, so that the rest is known for one

bool is_plain_name(const std::string& name) {
  return !name.empty() && name.front() != '.' && name.find('/') == std::string::npos &&
         name.find('\0') == std::string::npos && !name.ends_with(kIncompleteSuffix) &&
         name != kUnauthenticatedDirectory;
}

Outcome<std::vector<std::string>> names_in(int directory) {
  const int copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (copy < 0) return Failure::system("cannot be listed", errno);
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(fdopendir(copy), closedir);
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = readdir(entries.get())) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
    errno = 0;
  }
  if (errno != 0) return Failure::system("cannot be listed", errno);
  return names;
}

// The very file that was sent. What is hidden, or a receipt of an older version, was never sent.
bool may_go(int directory, const std::string& name, const DumpRecord& record) {
  struct stat status {};
  if (fstatat(directory, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(status.st_mode)) {
    return false;
  }
  if (name.starts_with('.') || name.starts_with(kReceiptName)) return true;
  constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;
  const std::int64_t modified = status.st_mtim.tv_sec * kNanosecondsPerSecond + status.st_mtim.tv_nsec;
  return std::any_of(record.files.begin(), record.files.end(), [&](const DumpFile& file) {
    return file.name == name && file.inode == status.st_ino &&
           file.size == static_cast<ByteCount>(status.st_size) && file.modified_nanoseconds == modified;
  });
}

// meta.json first: from then on nobody takes it for a dump.
void sort_for_removal(std::vector<std::string>& names) {
  const auto rank = [](const std::string& name) {
    return name == kMetaName ? 0 : name == kDumpIdFile ? 2 : 1;
  };
  std::sort(names.begin(), names.end(),
            [&](const std::string& a, const std::string& b) { return rank(a) < rank(b); });
}

// False: it is gone already.
Outcome<bool> remove_dump(int spool, const DumpRecord& record) {
  const UniqueFd directory(
      openat(spool, record.name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!directory.valid() && errno == ENOENT) return false;
  if (!directory.valid()) return Failure::system("cannot be opened", errno);
  if (flock(directory.get(), LOCK_EX | LOCK_NB) != 0) return Failure(ErrorCode::busy, "somebody uses it");
  auto names = TRY(names_in(directory.get()));
  for (const auto& name : names) {
    if (!may_go(directory.get(), name, record)) {
      return Failure(ErrorCode::refused, name + " in it is not what was sent");
    }
  }
  sort_for_removal(names);
  for (const auto& name : names) {
    if (unlinkat(directory.get(), name.c_str(), 0) != 0) {
      return Failure::system(name + " in it cannot be removed", errno);
    }
  }
  if (unlinkat(spool, record.name.c_str(), AT_REMOVEDIR) != 0)
    return Failure::system("cannot be removed", errno);
  return true;
}

}  // namespace

Outcome<TidyReport> remove_sent_dumps(const std::string& spool, StateFiles& state, const std::string& sink) {
  TidyReport report;
  const UniqueFd directory(open(spool.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid() && errno == ENOENT) return report;
  if (!directory.valid()) return Failure::system("cannot open the spool " + spool, errno);
  RecordStore records(state);
  for (const auto& record : TRY(records.all(report.kept))) {
    const bool was_sent = record.state == DumpState::done && record.whole_was_sent && record.sink == sink;
    if (!was_sent || !is_plain_name(record.name)) continue;
    auto removed = remove_dump(directory.get(), record);
    if (!removed) {
      report.kept.push_back(record.name + ": " + removed.error().message);
    } else if (*removed) {
      report.removed.push_back(record.name);
    }
  }
  if (fsync(directory.get()) != 0 && errno != EINVAL)
    return Failure::system("cannot flush the spool " + spool, errno);
  return report;
}

}  // namespace warmdump
