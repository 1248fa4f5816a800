// OutputFile: a file that appears under its name only when it is whole.

#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

#include "common/hosted/failure.h"
#include "common/hosted/unique_fd.h"
#include "common/units.h"

namespace warmdump {

class OutputFile {
 public:
  // Creates "<path>-incomplete", readable by its owner only. Errors: refused (it or `path` exists),
  // no_permission, not_found (no such directory), no_space, io.
  static Outcome<OutputFile> create(const std::filesystem::path& path);

  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&&) = delete;
  // Removes the file unless commit() succeeded.
  ~OutputFile();

  // Places bytes anywhere; what is never written reads as zero. Safe from several threads.
  // Errors: no_space with the path, io.
  Outcome<void> write_at(ByteCount offset, std::span<const std::byte> bytes) const;
  Outcome<void> set_size(ByteCount size) const;

  // no_space when the file system has less than `size` bytes left for this user; says how many there are.
  Outcome<void> require_space(ByteCount size) const;

  // Everything to the disk, then the final name, then the directory to the disk.
  Outcome<void> commit();

  const std::filesystem::path& path() const { return path_; }  // the final one

 private:
  OutputFile(UniqueFd fd, std::filesystem::path path) : fd_(std::move(fd)), path_(std::move(path)) {}
  std::filesystem::path incomplete_path() const;

  UniqueFd fd_;
  std::filesystem::path path_;
  bool committed_ = false;
};

// fsync of a directory, for the names in it.
Outcome<void> sync_directory(const std::filesystem::path& directory);

}  // namespace warmdump
