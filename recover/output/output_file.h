// OutputFile: a file that appears under its name only when it is whole.

#pragma once

#include <filesystem>
#include <mutex>

#include "common/hosted/unique_fd.h"
#include "recover/output/output_target.h"

namespace warmdump {

class OutputFile final : public OutputTarget {
 public:
  // Creates "<path>-incomplete", readable by its owner only. Errors: refused (it or `path` exists),
  // no_permission, not_found (no such directory), no_space, io.
  static Outcome<OutputFile> create(const std::filesystem::path& path);

  OutputFile(OutputFile&& other) noexcept;
  // Removes the file unless commit() succeeded.
  ~OutputFile() override;

  // What is never written reads as zero.
  Outcome<void> write_at(ByteCount offset, std::span<const std::byte> bytes) override;
  Outcome<void> write_zeros(ByteCount offset, ByteCount size) override;
  Outcome<void> set_size(ByteCount size) const;

  // Says how many bytes the file system has left for this user.
  Outcome<void> require_space(ByteCount size) const override;

  // Everything to the disk, then the final name, then the directory to the disk.
  Outcome<void> commit();

  // Open for writing, as long as this object lives; for a process that is forked to fill the file.
  int descriptor() const { return fd_.get(); }

  // Makes the file as long as write_zeros() said. Part of commit(), unless another process has written.
  Outcome<void> reach_end_of_zeros() const;

  const std::filesystem::path& path() const { return path_; }  // the final one

 private:
  OutputFile(UniqueFd fd, std::filesystem::path path) : fd_(std::move(fd)), path_(std::move(path)) {}
  std::filesystem::path incomplete_path() const;

  UniqueFd fd_;
  std::filesystem::path path_;
  bool committed_ = false;
  std::mutex mutex_;
  ByteCount end_of_zeros_ = 0;  // the file is at least this long
};

// fsync of a directory, for the names in it.
Outcome<void> sync_directory(const std::filesystem::path& directory);

}  // namespace warmdump
