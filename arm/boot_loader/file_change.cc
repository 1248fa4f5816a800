#include "arm/boot_loader/file_change.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "common/hosted/unique_fd.h"
#include "common/hosted/whole_file.h"

namespace warmdump {
namespace {

constexpr ByteCount kTextMax = kMiB;
constexpr std::size_t kContextLines = 3;

std::vector<std::string_view> lines_of(const std::optional<std::string>& text) {
  std::vector<std::string_view> lines;
  if (!text) return lines;
  std::string_view rest = *text;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    const std::size_t size = end == std::string_view::npos ? rest.size() : end + 1;
    lines.push_back(rest.substr(0, size));
    rest.remove_prefix(size);
  }
  return lines;
}

void add_line(std::string& diff, char sign, std::string_view line) {
  const bool has_end = line.ends_with('\n');
  if (has_end) line.remove_suffix(1);
  diff += sign;
  diff += line;
  diff += has_end ? "\n" : "\n\\ No newline at end of file\n";
}

std::string position(std::size_t first, std::size_t count) {
  return count == 1 ? fmt::format("{}", first + 1)
                    : fmt::format("{},{}", count == 0 ? first : first + 1, count);
}

Outcome<void> flush_directory(const std::string& path) {
  const std::string directory = std::filesystem::path(path).parent_path();
  const UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid() || ::fsync(fd.get()) != 0)
    return Failure::system(fmt::format("cannot flush {}", directory), errno);
  return {};
}

Outcome<void> write_beside(const std::string& path, const std::string& text) {
  struct stat old = {};
  const bool existed = ::stat(path.c_str(), &old) == 0;
  const std::string fresh = path + ".warmdump-new";
  ::unlink(fresh.c_str());  // of an earlier run that was cut off
  const UniqueFd fd(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd.valid()) return Failure::system(fmt::format("cannot create {}", fresh), errno);
  const auto finish = [&]() -> Outcome<void> {
    TRY(write_all(fd.get(), text, fresh));
    if (existed && (old.st_uid != ::geteuid() || old.st_gid != ::getegid()) &&
        ::fchown(fd.get(), old.st_uid, old.st_gid) != 0) {
      return Failure::system(fmt::format("cannot give {} its owner", fresh), errno);
    }
    if (::fchmod(fd.get(), existed ? old.st_mode & 07777 : 0644) != 0) {
      return Failure::system(fmt::format("cannot set the permissions of {}", fresh), errno);
    }
    if (::fsync(fd.get()) != 0) return Failure::system(fmt::format("cannot flush {}", fresh), errno);
    if (::rename(fresh.c_str(), path.c_str()) != 0) {
      return Failure::system(fmt::format("cannot replace {}", path), errno);
    }
    return flush_directory(path);
  };
  auto result = finish();
  if (!result.has_value()) ::unlink(fresh.c_str());
  return result;
}

}  // namespace

Outcome<std::optional<std::string>> text_of(const MachineFiles& files, const std::string& path) {
  auto text = files.read(path, kTextMax);
  if (text.has_value()) return std::optional<std::string>(std::move(*text));
  if (text.error().code == ErrorCode::not_found) return std::optional<std::string>();
  return text.error();
}

// One hunk: what we change is one place in a file.
std::string unified_diff(const FileChange& change) {
  if (!change.changes_anything()) return {};
  const auto before = lines_of(change.before);
  const auto after = lines_of(change.after);
  std::size_t same = 0;
  while (same < before.size() && same < after.size() && before[same] == after[same]) ++same;
  std::size_t tail = 0;
  while (tail < before.size() - same && tail < after.size() - same &&
         before[before.size() - 1 - tail] == after[after.size() - 1 - tail]) {
    ++tail;
  }
  const std::size_t first = same - std::min(same, kContextLines);
  const std::size_t behind = std::min(tail, kContextLines);
  const std::size_t before_end = before.size() - tail;
  const std::size_t after_end = after.size() - tail;
  std::string diff = fmt::format("--- {}\n+++ {}\n", change.before ? change.path : "/dev/null",
                                 change.after ? change.path : "/dev/null");
  diff += fmt::format("@@ -{} +{} @@\n", position(first, before_end + behind - first),
                      position(first, after_end + behind - first));
  for (std::size_t i = first; i < same; ++i) add_line(diff, ' ', before[i]);
  for (std::size_t i = same; i < before_end; ++i) add_line(diff, '-', before[i]);
  for (std::size_t i = same; i < after_end; ++i) add_line(diff, '+', after[i]);
  for (std::size_t i = before_end; i < before_end + behind; ++i) add_line(diff, ' ', before[i]);
  return diff;
}

Outcome<void> apply_change(const MachineFiles& files, const FileChange& change) {
  if (!change.changes_anything()) return {};
  if (TRY(text_of(files, change.path)) != change.before) {
    return Failure(ErrorCode::busy, fmt::format("{} has changed in between; run this again", change.path));
  }
  std::error_code error;
  std::string path = files.path(change.path);
  if (const auto target = std::filesystem::canonical(path, error); !error) path = target;
  if (change.after) return write_beside(path, *change.after);
  if (::unlink(path.c_str()) != 0) return Failure::system(fmt::format("cannot remove {}", path), errno);
  return flush_directory(path);
}

}  // namespace warmdump
