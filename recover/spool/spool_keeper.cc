#include "recover/spool/spool_keeper.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "common/hosted/byte_count_text.h"
#include "recover/spool/dump_removal.h"

namespace warmdump {
namespace {

namespace fs = std::filesystem;

Outcome<void> flush_directory(const fs::path& directory) {
  const UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return Failure::system("cannot open " + directory.string(), errno);
  if (::fsync(fd.get()) != 0) return Failure::system("cannot flush " + directory.string(), errno);
  return {};
}

// ErrorCode::busy when somebody has locked it since it was listed. The lock is held until the name is gone.
Outcome<void> remove_atomically(const fs::path& spool, const fs::path& directory) {
  const UniqueFd fd = open_own_directory(directory);
  if (!fd.valid()) return {};
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) return Failure::system("in use", EBUSY);
  fs::path removing;
  for (int number = 1;; ++number) {
    removing = directory;
    if (number > 1) removing += fmt::format("-{}", number);
    removing += kRemovingSuffix;
    if (::renameat2(AT_FDCWD, directory.c_str(), AT_FDCWD, removing.c_str(), RENAME_NOREPLACE) == 0) break;
    if (errno == EINVAL && ::access(removing.c_str(), F_OK) != 0 &&
        ::rename(directory.c_str(), removing.c_str()) == 0) {
      break;
    }
    if (errno != EEXIST) return Failure::system("cannot rename " + directory.string(), errno);
  }
  TRY(flush_directory(spool));
  if (const std::error_code error = remove_dump_directory(removing)) {
    return Failure::system("cannot remove " + removing.string(), error.value());
  }
  return {};
}

void finish_removals(const fs::path& spool) {
  std::vector<fs::path> left;
  std::error_code error;
  for (fs::directory_iterator entry(spool, error), end; !error && entry != end; entry.increment(error)) {
    if (!entry->path().filename().string().ends_with(kRemovingSuffix)) continue;
    if (open_own_directory(entry->path()).valid() && is_rest_of_dump(entry->path())) {
      left.push_back(entry->path());
    }
  }
  for (const fs::path& directory : left) remove_dump_directory(directory);
}

std::string unmet_text(const std::vector<SavedDump>& dumps, const RetentionGoal& goal) {
  ByteCount bytes = 0;
  for (const SavedDump& dump : dumps) bytes += dump.bytes;
  std::string text;
  if (goal.limits.dumps != 0 && dumps.size() > goal.limits.dumps) {
    text = fmt::format("{} dumps are kept, {} are permitted", dumps.size(), goal.limits.dumps);
  } else if (goal.limits.bytes != 0 && bytes > goal.limits.bytes) {
    text = fmt::format("dumps take {}, {} are permitted", readable_byte_count(bytes),
                       readable_byte_count(goal.limits.bytes));
  } else if (goal.free_now < goal.free_wanted) {
    text = fmt::format("{} are free, {} are wanted", readable_byte_count(goal.free_now),
                       readable_byte_count(goal.free_wanted));
  }
  return text.empty() ? text : text + ", and no further dump may go";
}

}  // namespace

Outcome<ByteCount> spool_space_of(const fs::path& path) {
  struct statvfs status {};
  if (::statvfs(path.c_str(), &status) != 0) {
    return Failure::system("cannot tell the free space of " + path.string(), errno);
  }
  return static_cast<ByteCount>(status.f_bavail) * status.f_frsize;
}

Outcome<RetentionReport> SpoolKeeper::make_room(ByteCount bytes) const {
  finish_removals(spool_);
  if (limits_.free == 0) return RetentionReport();
  RetentionGoal goal;
  goal.free_wanted = limits_.free + bytes;
  goal.one_is_to_come = true;
  return pursue(goal);
}

Outcome<RetentionReport> SpoolKeeper::make_room_on_full_disk(ByteCount bytes) const {
  finish_removals(spool_);
  RetentionGoal goal;
  // What is free now was not enough.
  goal.free_wanted = limits_.free + std::max(bytes, 2 * TRY(free_space_(spool_)));
  goal.one_is_to_come = true;
  goal.only_superfluous = !limits_.any();
  return pursue(goal);
}

Outcome<RetentionReport> SpoolKeeper::enforce() const {
  finish_removals(spool_);
  if (!limits_.any()) return RetentionReport();
  RetentionGoal goal;
  goal.limits = limits_;
  goal.free_wanted = limits_.free;
  return pursue(goal);
}

Outcome<RetentionReport> SpoolKeeper::pursue(RetentionGoal goal) const {
  goal.kept_id = kept_id_;
  RetentionReport report;
  std::vector<SavedDump> dumps = TRY(list_saved_dumps(spool_));
  // One at a time: what a deletion really frees is known only behind it, and locks come and go.
  for (;;) {
    goal.free_now = TRY(free_space_(spool_));
    const std::vector<std::size_t> plan = plan_retention(dumps, goal);
    if (plan.empty()) break;
    const auto victim = dumps.begin() + static_cast<std::ptrdiff_t>(plan.front());
    const auto removed = remove_atomically(spool_, victim->directory);
    if (!removed && removed.error().code != ErrorCode::busy) return removed.error();
    if (!removed) {
      victim->is_in_use = true;
      continue;
    }
    report.removed.push_back(victim->directory);
    dumps.erase(victim);
  }
  report.unmet = unmet_text(dumps, goal);
  return report;
}

}  // namespace warmdump
