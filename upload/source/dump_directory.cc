#include "upload/source/dump_directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <numeric>
#include <tuple>

#include "common/hosted/ascii.h"
#include "upload/queue/receipt.h"

namespace warmdump {
namespace {

constexpr ByteCount kMetaSizeMax = 2 * kMiB;
constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;

Failure not_finished(const std::string& why) {
  return Failure(ErrorCode::invalid, why + "; give the directory of a finished dump");
}

std::int64_t modified_nanoseconds(const struct stat& status) {
  return status.st_mtim.tv_sec * kNanosecondsPerSecond + status.st_mtim.tv_nsec;
}

bool is_ours(std::string_view name) {
  return name.starts_with('.') || name.starts_with(kReceiptName);
}

Outcome<std::vector<DumpFile>> list_files(int directory) {
  const int duplicate = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (duplicate < 0) return Failure::system("cannot list", errno);
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(fdopendir(duplicate), closedir);
  std::vector<DumpFile> files;
  errno = 0;
  while (const dirent* entry = readdir(stream.get())) {
    const std::string name = entry->d_name;
    if (is_ours(name)) continue;
    struct stat status {};
    if (fstatat(directory, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
      return Failure::system("cannot look at " + name, errno);
    }
    if (!is_printable(name)) return not_finished("a file name in it has unprintable characters");
    if (!S_ISREG(status.st_mode)) return not_finished("\"" + name + "\" in it is not a plain file");
    files.push_back({name, static_cast<ByteCount>(status.st_size), "", status.st_ino,
                     modified_nanoseconds(status), nullptr});
    errno = 0;
  }
  if (errno != 0) return Failure::system("cannot list", errno);
  return files;
}

Outcome<void> require(const DumpDirectory& dump, std::string_view name) {
  const auto has_name = [&](const DumpFile& file) { return file.name == name; };
  if (std::any_of(dump.files.begin(), dump.files.end(), has_name)) return {};
  return not_finished(dump.path + " has no " + std::string(name));
}

Outcome<std::string> read_meta(int directory) {
  const std::string name(kMetaName);
  const UniqueFd fd(openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd.valid()) return Failure::system("cannot open " + name, errno);
  std::string text;
  std::array<char, 4096> buffer;
  while (text.size() < kMetaSizeMax) {
    const ssize_t size = read(fd.get(), buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return Failure::system("cannot read " + name, errno);
    if (size == 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(size));
  }
  return text;
}

}  // namespace

ByteCount DumpDirectory::total_bytes() const {
  return std::accumulate(files.begin(), files.end(), ByteCount{0},
                         [](ByteCount sum, const DumpFile& file) { return sum + file.size; });
}

bool DumpDirectory::has_pages(const DumpFile& file) const {
  return file.name == names.vmcore || file.name == kImageName;
}

void sort_for_sending(std::vector<DumpFile>& files, std::string_view vmcore_name) {
  const auto rank = [&](const DumpFile& file) {
    const bool has_pages = file.name == vmcore_name || file.name == kImageName;
    const int stage = has_pages ? 2 : file.name == kMetaName ? 1 : 0;
    return std::tuple(stage, file.size, std::string_view(file.name));
  };
  std::sort(files.begin(), files.end(),
            [&](const DumpFile& left, const DumpFile& right) { return rank(left) < rank(right); });
}

Outcome<DumpDirectory> open_dump_directory(const std::string& path, std::span<const StreamedFile> streamed) {
  DumpDirectory dump;
  dump.path = path;
  const std::unique_ptr<char, void (*)(void*)> real_path(realpath(path.c_str(), nullptr), std::free);
  if (!real_path) return Failure::system("cannot open dump directory " + path, errno);
  const std::string real = real_path.get();
  dump.name = real.substr(real.rfind('/') + 1);
  if (dump.name.empty() || !is_printable(dump.name)) return not_finished(path + " has no usable name");
  if (std::filesystem::path(real).parent_path().filename() == kUnauthenticatedDirectory) {
    return Failure(
        ErrorCode::refused,
        path +
            ": nothing proves that the crash kernel made this dump, so it is not sent; whoever has "
            "looked at it and wants it sent moves it out of " +
            std::string(kUnauthenticatedDirectory) + "/");
  }
  if (dump.name.ends_with(kIncompleteSuffix)) {
    return not_finished(path + " is still being written or was cut off: run warmdump recover first");
  }
  dump.directory = UniqueFd(open(real.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!dump.directory.valid()) return Failure::system("cannot open dump directory " + path, errno);
  if (flock(dump.directory.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK)
      return Failure(ErrorCode::busy, path + ": another upload of this dump is running");
    return Failure::system("cannot lock " + path, errno);
  }
  dump.files = TRY(in_context(path, list_files(dump.directory.get())));
  for (const StreamedFile& file : streamed) {
    DumpFile& listed = dump.files.emplace_back();
    listed.name = file.name;
    listed.size = file.size;
    listed.stream = file.bytes;
  }
  TRY(require(dump, kMetaName));
  const std::string meta = TRY(in_context(path, read_meta(dump.directory.get())));
  dump.names = dump_file_names(meta);
  dump.facts = dump_facts(meta);
  if (!require(dump, kImageName)) TRY(require(dump, dump.names.vmcore));
  sort_for_sending(dump.files, dump.names.vmcore);
  return dump;
}

Outcome<void> hash_files(DumpDirectory& dump, const BytesDone& done) {
  ByteCount before = 0;
  for (auto& file : dump.files) {
    if (!file.sha256.empty()) {
      before += file.size;
      done(before);
      continue;
    }
    const OpenedFile opened = TRY(open_unchanged(dump, file));
    file.sha256 = TRY(
        in_context(file.name, sha256_of(opened, file.size, [&](ByteCount bytes) { done(before + bytes); })));
    TRY(opened.check_unchanged());
    before += file.size;
  }
  return {};
}

Outcome<OpenedFile> open_unchanged(const DumpDirectory& dump, const DumpFile& file) {
  if (file.stream != nullptr) return OpenedFile(file, UniqueFd());
  // A FIFO put in place of the file must not block the open.
  UniqueFd fd(
      openat(dump.directory.get(), file.name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd.valid()) return Failure::system("cannot open " + dump.path + "/" + file.name, errno);
  OpenedFile opened(file, std::move(fd));
  TRY(opened.check_unchanged());
  return opened;
}

Outcome<std::size_t> OpenedFile::read(ByteCount offset, std::span<std::byte> target) const {
  if (file_.stream != nullptr) return file_.stream->read(offset, target);
  for (;;) {
    const ssize_t got = pread(fd_.get(), target.data(), target.size(), static_cast<off_t>(offset));
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR)
      return Failure::system(fmt::format("cannot read {} at offset {:#x}", file_.name, offset), errno);
  }
}

Outcome<void> OpenedFile::check_unchanged() const {
  if (file_.stream != nullptr) return {};
  struct stat status {};
  if (fstat(fd_.get(), &status) != 0) return Failure::system("cannot look at " + file_.name, errno);
  if (!S_ISREG(status.st_mode) || status.st_ino != file_.inode ||
      static_cast<ByteCount>(status.st_size) != file_.size ||
      modified_nanoseconds(status) != file_.modified_nanoseconds) {
    return Failure(ErrorCode::corrupt, file_.name + " was changed while it was being sent; send it again");
  }
  return {};
}

}  // namespace warmdump
