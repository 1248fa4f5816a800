#include "recover/spool/spool.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cctype>
#include <cerrno>
#include <ctime>
#include <fstream>

#include "recover/sandbox/reader_room.h"
#include "recover/spool/dump_readers.h"
#include "recover/spool/dump_removal.h"
#include "recover/spool/publication.h"
#include "recover/spool/saved_dumps.h"

namespace warmdump {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kHostLengthMax = 64;

Failure spool_failure(const std::string& doing, const std::error_code& error) {
  Failure failure = Failure::system(doing, error.value());
  if (failure.code == ErrorCode::no_space) failure.message += "; make room, the dump stays where it is";
  return failure;
}

Outcome<void> flush(const fs::path& path, int flags) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | flags));
  if (!fd.valid()) return spool_failure("cannot open " + path.string(), {errno, std::generic_category()});
  if (::fsync(fd.get()) != 0) {
    return spool_failure("cannot flush " + path.string(), {errno, std::generic_category()});
  }
  return {};
}

Outcome<void> flush_tree(const fs::path& directory) {
  std::error_code error;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error)) {
    const fs::file_status status = entry->symlink_status(error);
    if (error) break;
    if (fs::is_directory(status)) TRY(flush_tree(entry->path()));
    if (fs::is_regular_file(status)) TRY(flush(entry->path(), 0));
  }
  if (error) return spool_failure("cannot read " + directory.string(), error);
  return flush(directory, O_DIRECTORY);
}

// Empty when there is none, or an incomplete one.
std::string dump_id_of(const fs::path& directory) {
  std::ifstream file(directory / kDumpIdFile);
  std::string line;
  return std::getline(file, line) && !file.eof() ? line : "";
}

bool is_incomplete(const fs::path& directory) {
  return directory.filename().string().ends_with(kIncompleteSuffix);
}

// What begin() leaves when killed before it could name the dump.
bool is_unnamed_start(const fs::path& directory) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    if (entry.path().filename() != kDumpIdFile) return false;
  }
  return !error;
}

template <class Action>
Outcome<void> for_each_directory(const fs::path& spool, Action&& action) {
  std::error_code error;
  for (fs::directory_iterator entry(spool, error), end; !error && entry != end; entry.increment(error)) {
    if (entry->symlink_status(error).type() == fs::file_type::directory) TRY(action(entry->path()));
  }
  if (error) return spool_failure("cannot read the spool " + spool.string(), error);
  return {};
}

std::string as_file_name(std::string text) {
  if (text.empty() || text == "(none)") text = "localhost";
  for (char& c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '-' && c != '.' && c != '_') c = '_';
  }
  if (text.front() == '.') text.front() = '_';
  return text.substr(0, kHostLengthMax);
}

}  // namespace

std::string dump_directory_name(const std::string& host, std::uint64_t time_s, std::uint64_t now_s,
                                const DumpLayout& layout) {
  const std::string time = layout_name(layout.directory, layout_time(time_s, now_s));
  return layout.host_first ? as_file_name(host) + "-" + time : time;
}

Outcome<Spool> Spool::open(const fs::path& directory, const std::string& host,
                           const std::string& layout_name) {
  const DumpLayout* const layout = find_dump_layout(layout_name);
  if (layout == nullptr) {
    return Failure(ErrorCode::invalid, fmt::format("there is no layout \"{}\"", layout_name));
  }
  std::error_code error;
  const bool exists = fs::is_directory(directory, error);
  if (!exists) {
    fs::create_directories(directory.parent_path(), error);
    if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
      return spool_failure("cannot make the spool " + directory.string(), {errno, std::generic_category()});
    }
  }
  FileLock lock = TRY(in_context("cannot use the spool", FileLock::take(directory)));
  if (!fs::is_directory(directory, error)) {
    return Failure(ErrorCode::invalid, "the spool " + directory.string() + " is not a directory");
  }
  remove_reader_room(directory);
  return Spool(directory, host, *layout, std::move(lock));
}

Outcome<std::optional<fs::path>> Spool::find(const std::string& dump_id) const {
  std::optional<fs::path> found;
  TRY(for_each_directory(directory_, [&](const fs::path& candidate) -> Outcome<void> {
    if (!is_incomplete(candidate) && dump_id_of(candidate) == dump_id) found = candidate;
    return {};
  }));
  // It may have been renamed by a run that was killed before it flushed the name.
  if (found) TRY(flush(directory_, O_DIRECTORY));
  return found;
}

bool Spool::was_published(const std::string& dump_id) const {
  return warmdump::was_published(directory_, dump_id) && flush(directory_, O_DIRECTORY).has_value();
}

void Spool::forget_publication(const std::string& dump_id) const {
  warmdump::forget_publication(directory_, dump_id);
  warmdump::forget_publication(directory_ / kUnauthenticatedDirectory, dump_id);
}

Outcome<void> Spool::remove_interrupted(const std::string& dump_id) const {
  warmdump::forget_publication(directory_, dump_id);
  return for_each_directory(directory_, [&](const fs::path& candidate) -> Outcome<void> {
    if (!is_incomplete(candidate)) return {};
    const std::string found_id = dump_id_of(candidate);
    if (found_id != dump_id && !(found_id.empty() && is_unnamed_start(candidate))) return {};
    const std::error_code error = remove_dump_directory(candidate);
    if (error) return spool_failure("cannot remove " + candidate.string(), error);
    return {};
  });
}

fs::path Spool::free_name(const std::string& stem) const {
  for (int number = 1;; ++number) {
    const std::string name = number == 1 ? stem : fmt::format("{}-{}", stem, number);
    std::error_code error;
    const bool taken =
        fs::exists(fs::symlink_status(directory_ / name, error)) ||
        fs::exists(fs::symlink_status(directory_ / (name + std::string(kIncompleteSuffix)), error));
    if (!taken) return directory_ / name;
  }
}

Outcome<fs::path> Spool::begin(const std::string& dump_id, std::uint64_t time_s) const {
  TRY(remove_interrupted(dump_id));
  const auto now_s = static_cast<std::uint64_t>(std::time(nullptr));
  fs::path incomplete = free_name(dump_directory_name(host_, time_s, now_s, *layout_));
  incomplete += kIncompleteSuffix;
  if (::mkdir(incomplete.c_str(), 0700) != 0) {
    return spool_failure("cannot make " + incomplete.string(), {errno, std::generic_category()});
  }
  const std::string text = fmt::format("{}\n{}\n", dump_id, next_dump_sequence(directory_));
  const UniqueFd fd(
      ::open((incomplete / kDumpIdFile).c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  const bool written =
      fd.valid() && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (!written) {
    const std::error_code error(errno, std::generic_category());
    discard(incomplete);
    return spool_failure("cannot write in " + incomplete.string(), error);
  }
  return incomplete;
}

Outcome<fs::path> Spool::publish(const fs::path& incomplete) const {
  // What nothing proves is for root's eyes: it is never sent.
  const bool is_apart = directory_.filename() == kUnauthenticatedDirectory;
  if (const auto group = dump_readers(); group && !is_apart) {
    let_group_enter(directory_, *group);
    let_group_read(incomplete, *group);
  }
  TRY(flush_tree(incomplete));
  const std::string name = incomplete.filename().string();
  const fs::path target = directory_ / name.substr(0, name.size() - kIncompleteSuffix.size());
  TRY(publish_directory(directory_, dump_id_of(incomplete), incomplete, target));
  return target;
}

void Spool::discard(const fs::path& incomplete) const {
  remove_dump_directory(incomplete);
}

}  // namespace warmdump
