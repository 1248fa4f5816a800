#include "recover/spool/saved_dumps.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <memory>
#include <nlohmann/json.hpp>
#include <tuple>

#include "common/hosted/dump_directory_names.h"
#include "recover/spool/spool.h"

namespace warmdump {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr ByteCount kMetaSizeMax = 16 * kMiB;
constexpr ByteCount kIdSizeMax = 4 * kKiB;
constexpr ByteCount kBlockSize = 512;  // what stat(2) counts in
constexpr int kDepthMax = 8;           // a dump is flat, or nearly so

std::optional<std::string> read_file_in(int directory, const std::string& name, ByteCount size_max,
                                        struct stat& status) {
  const UniqueFd fd(::openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd.valid() || ::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  if (static_cast<ByteCount>(status.st_size) > size_max) return std::nullopt;
  std::string text(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t count = ::read(fd.get(), text.data() + done, text.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return std::nullopt;
    done += static_cast<std::size_t>(count);
  }
  return text;
}

using Directory = std::unique_ptr<DIR, int (*)(DIR*)>;

ByteCount bytes_below(int directory, int depth) {
  const int copy = ::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const Directory entries(copy < 0 ? nullptr : ::fdopendir(copy), ::closedir);
  ByteCount bytes = 0;
  while (const dirent* entry = entries ? ::readdir(entries.get()) : nullptr) {
    const std::string_view name = entry->d_name;
    struct stat status {};
    if (name == "." || name == ".." ||
        ::fstatat(directory, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
      continue;
    }
    bytes += static_cast<ByteCount>(status.st_blocks) * kBlockSize;
    if (!S_ISDIR(status.st_mode) || depth == kDepthMax) continue;
    const UniqueFd inner(::openat(directory, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (inner.valid()) bytes += bytes_below(inner.get(), depth + 1);
  }
  return bytes;
}

// "<id>\n", and from this version on "<sequence>\n" behind it.
bool take_dump_id(const std::string& text, SavedDump& dump) {
  const std::size_t end = text.find('\n');
  if (end == std::string::npos || end == 0) return false;
  dump.id = text.substr(0, end);
  std::from_chars(text.data() + end + 1, text.data() + text.size(), dump.sequence);
  return true;
}

std::string text_of(const json& object, const char* key) {
  const auto value = object.find(key);
  return value != object.end() && value->is_string() ? value->get<std::string>() : std::string();
}

void take_meta(const std::string& text, SavedDump& dump) {
  const json meta = json::parse(text, nullptr, false);
  if (!meta.is_object()) return;
  const auto time = meta.find("crash_time");
  if (time != meta.end() && time->is_number_unsigned() && *time != 0) dump.time_s = *time;
  dump.panic_text = text_of(meta, "panic_text");
  const auto signature = meta.find("signature");
  const bool has_signature = signature != meta.end() && !signature->empty();
  dump.signature = !has_signature           ? dump.panic_text
                   : signature->is_string() ? signature->get<std::string>()
                                            : signature->dump(-1, ' ', false, json::error_handler_t::replace);
  const auto info = meta.find("capture_info");
  if (info != meta.end() && info->is_object()) dump.boot_id = text_of(*info, "boot_id");
}

bool is_somebody_using(int directory) {
  if (::flock(directory, LOCK_EX | LOCK_NB) != 0) return errno == EWOULDBLOCK;
  ::flock(directory, LOCK_UN);
  return false;
}

}  // namespace

UniqueFd open_own_directory(const fs::path& directory) {
  UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat status {};
  if (fd.valid() && (::fstat(fd.get(), &status) != 0 || status.st_uid != ::geteuid())) fd = UniqueFd();
  return fd;
}

std::optional<SavedDump> read_saved_dump(const fs::path& directory) {
  const UniqueFd fd = open_own_directory(directory);
  if (!fd.valid()) return std::nullopt;
  SavedDump dump;
  dump.directory = directory;
  struct stat status {};
  const auto id = read_file_in(fd.get(), kDumpIdFile, kIdSizeMax, status);
  if (!id || !take_dump_id(*id, dump)) return std::nullopt;
  const auto meta = read_file_in(fd.get(), std::string(kMetaName), kMetaSizeMax, status);
  if (!meta) return std::nullopt;
  dump.time_s = static_cast<std::uint64_t>(std::max<std::int64_t>(status.st_mtime, 0));
  take_meta(*meta, dump);
  dump.bytes = bytes_below(fd.get(), 0);
  dump.is_in_use = is_somebody_using(fd.get());
  return dump;
}

Outcome<std::vector<SavedDump>> list_saved_dumps(const fs::path& spool) {
  std::vector<SavedDump> dumps;
  std::error_code error;
  for (fs::directory_iterator entry(spool, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename();
    if (name.ends_with(kIncompleteSuffix) || name.ends_with(kRemovingSuffix)) continue;
    if (auto dump = read_saved_dump(entry->path())) dumps.push_back(std::move(*dump));
  }
  if (error) return Failure::system("cannot read the spool " + spool.string(), error.value());
  std::sort(dumps.begin(), dumps.end(), [](const SavedDump& a, const SavedDump& b) {
    return std::tie(a.sequence, a.time_s, a.directory) < std::tie(b.sequence, b.time_s, b.directory);
  });
  return dumps;
}

std::uint64_t next_dump_sequence(const fs::path& spool) {
  std::uint64_t highest = 0;
  std::error_code error;
  for (fs::directory_iterator entry(spool, error), end; !error && entry != end; entry.increment(error)) {
    const UniqueFd fd = open_own_directory(entry->path());
    struct stat status {};
    const auto text = fd.valid() ? read_file_in(fd.get(), kDumpIdFile, kIdSizeMax, status) : std::nullopt;
    SavedDump dump;
    if (text && take_dump_id(*text, dump)) highest = std::max(highest, dump.sequence);
  }
  return highest + 1;
}

}  // namespace warmdump
