#include "recover/outcome/outcome_log.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <string_view>

#include "common/hosted/unique_fd.h"
#include "common/hosted/whole_file.h"

namespace warmdump {
namespace {

constexpr ByteCount kFileSizeMax = 64 * kMiB;  // a limit for memory: no file of ours gets that large

Outcome<void> flush_directory_of(const std::string& path) {
  const std::string directory = std::filesystem::path(path).parent_path();
  const UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return Failure::system("cannot open " + directory, errno);
  if (::fsync(fd.get()) != 0 && errno != EINVAL) return Failure::system("cannot flush " + directory, errno);
  return {};
}

// The length of `text` without a last line that is torn: one without line break, or that is no outcome.
std::size_t whole_length(std::string_view text) {
  std::size_t end = text.rfind('\n');
  if (end == std::string_view::npos) return 0;
  const std::size_t before = end == 0 ? std::string_view::npos : text.rfind('\n', end - 1);
  const std::size_t start = before == std::string_view::npos ? 0 : before + 1;
  const auto last = parse_outcome_line(text.substr(start, end - start));
  return last || last.error().code == ErrorCode::unsupported ? end + 1 : start;
}

Outcome<UniqueFd> open_locked(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.valid()) return Failure::system("cannot open " + path, errno);
  while (::flock(fd.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return Failure::system("cannot lock " + path, errno);
  }
  return fd;
}

Outcome<void> write_line(int fd, const std::string& path, ByteCount old_size, std::string_view line) {
  auto written = write_all(fd, line, path);
  if (written.has_value() && ::fsync(fd) != 0) written = Failure::system("cannot flush " + path, errno);
  // Best effort: the next append takes the rest of the line away.
  if (!written.has_value() && ::ftruncate(fd, static_cast<off_t>(old_size)) != 0) return written;
  return written;
}

Outcome<void> read_lines(const std::string& path, std::vector<BootOutcome>& outcomes) {
  const auto text = read_whole_file(path, kFileSizeMax);
  if (!text.has_value()) {
    if (text.error().code == ErrorCode::not_found) return {};
    return text.error();
  }
  for (std::size_t start = 0; start < text->size();) {
    const std::size_t end = text->find('\n', start);
    if (end == std::string::npos) break;
    auto outcome = parse_outcome_line(std::string_view(*text).substr(start, end - start));
    if (outcome) outcomes.push_back(std::move(*outcome));
    start = end + 1;
  }
  return {};
}

}  // namespace

Outcome<void> OutcomeLog::append(const BootOutcome& outcome) const {
  const std::string directory = std::filesystem::path(path_).parent_path();
  std::error_code ignored;  // mkdir() tells what is wrong
  std::filesystem::create_directories(std::filesystem::path(directory).parent_path(), ignored);
  if (::mkdir(directory.c_str(), S_IRWXU) != 0 && errno != EEXIST) {
    return Failure::system("cannot make " + directory, errno);
  }
  const std::string line = outcome_line(outcome) + "\n";
  UniqueFd fd = TRY(open_locked(path_));
  const std::string text = TRY(read_whole_file(path_, kFileSizeMax));
  ByteCount size = whole_length(text);
  if (size < text.size() && ::ftruncate(fd.get(), static_cast<off_t>(size)) != 0) {
    return Failure::system("cannot take a torn line off " + path_, errno);
  }
  if (size != 0 && size + line.size() > size_max_) {
    if (::rename(path_.c_str(), older_path().c_str()) != 0) {
      return Failure::system("cannot rename " + path_, errno);
    }
    fd = TRY(open_locked(path_));
    size = 0;
  }
  TRY(write_line(fd.get(), path_, size, line));
  return flush_directory_of(path_);
}

Outcome<std::vector<BootOutcome>> OutcomeLog::read() const {
  std::vector<BootOutcome> outcomes;
  TRY(read_lines(older_path(), outcomes));
  TRY(read_lines(path_, outcomes));
  return outcomes;
}

Outcome<std::vector<BootOutcome>> OutcomeLog::read_boots() const {
  std::vector<BootOutcome> lines = TRY(read());
  std::vector<BootOutcome> boots;
  for (BootOutcome& outcome : lines) {
    const auto same = std::find_if(boots.begin(), boots.end(), [&](const BootOutcome& earlier) {
      return earlier.boot_id == outcome.boot_id;
    });
    if (same != boots.end()) boots.erase(same);
    boots.push_back(std::move(outcome));
  }
  return boots;
}

}  // namespace warmdump
