#include "recover/output/output_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

namespace warmdump {

Outcome<OutputFile> OutputFile::create(const std::filesystem::path& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) == 0) {
    return Failure(ErrorCode::refused,
                   fmt::format("{} exists already; remove it or choose another name", path.string()));
  }
  OutputFile file(UniqueFd(), path);
  const std::string name = file.incomplete_path().string();
  UniqueFd fd(::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.valid()) {
    const int system_errno = errno;
    file.committed_ = true;  // nothing of ours to remove
    if (system_errno == EEXIST) {
      return Failure(ErrorCode::refused,
                     fmt::format("{} exists already; remove it if nobody is writing it any more", name));
    }
    return Failure::system("cannot create " + name, system_errno);
  }
  file.fd_ = std::move(fd);
  return file;
}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : fd_(std::move(other.fd_)),
      path_(std::move(other.path_)),
      committed_(other.committed_),
      end_of_zeros_(other.end_of_zeros_) {
  other.committed_ = true;
}

OutputFile::~OutputFile() {
  if (!committed_) ::unlink(incomplete_path().c_str());
}

std::filesystem::path OutputFile::incomplete_path() const {
  return path_.string() + "-incomplete";
}

Outcome<void> OutputFile::write_at(ByteCount offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return Failure::system("cannot write " + path_.string(), errno);
    offset += static_cast<ByteCount>(count);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

Outcome<void> OutputFile::write_zeros(ByteCount offset, ByteCount size) {
  const std::lock_guard lock(mutex_);
  end_of_zeros_ = std::max(end_of_zeros_, offset + size);
  return {};
}

Outcome<void> OutputFile::reach_end_of_zeros() const {
  struct stat status {};
  if (::fstat(fd_.get(), &status) != 0)
    return Failure::system("cannot look at the size of " + path_.string(), errno);
  if (static_cast<ByteCount>(status.st_size) >= end_of_zeros_) return {};
  return set_size(end_of_zeros_);
}

Outcome<void> OutputFile::set_size(ByteCount size) const {
  if (::ftruncate(fd_.get(), static_cast<off_t>(size)) == 0) return {};
  return Failure::system("cannot set the size of " + path_.string(), errno);
}

Outcome<void> OutputFile::require_space(ByteCount size) const {
  struct statvfs status {};
  if (::fstatvfs(fd_.get(), &status) != 0)
    return Failure::system("cannot look at the space for " + path_.string(), errno);
  const ByteCount available = ByteCount{status.f_bavail} * status.f_frsize;
  if (available >= size) return {};
  return Failure(ErrorCode::no_space,
                 fmt::format("no space for {}: at least {} MiB needed, {} MiB free", path_.string(),
                             round_up(size, kMiB) / kMiB, available / kMiB));
}

Outcome<void> OutputFile::commit() {
  TRY(reach_end_of_zeros());
  if (::fsync(fd_.get()) != 0) return Failure::system("cannot flush " + path_.string(), errno);
  const std::string from = incomplete_path().string();
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, path_.c_str(), RENAME_NOREPLACE) != 0) {
    // Some file systems cannot promise not to replace; create() has looked.
    if (errno != EINVAL || ::rename(from.c_str(), path_.c_str()) != 0) {
      return Failure::system("cannot rename " + from, errno);
    }
  }
  committed_ = true;
  const auto directory = path_.parent_path();
  return sync_directory(directory.empty() ? "." : directory);
}

Outcome<void> sync_directory(const std::filesystem::path& directory) {
  const UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid() || ::fsync(fd.get()) != 0) {
    return Failure::system("cannot flush directory " + directory.string(), errno);
  }
  return {};
}

}  // namespace warmdump
