// A fresh directory of one self-test, removed with all that is in it when the object goes, unless it is to be
// kept.

#pragma once

#include <filesystem>
#include <string>

#include "common/hosted/failure.h"

namespace warmdump {

class WorkDirectory {
 public:
  // Mode 0700. `kept` empty: a new directory in $TMPDIR or /tmp that goes with the object; otherwise that
  // directory, which must be missing or empty and stays. Errors: refused (something is in it); those of the
  // file system.
  static Outcome<WorkDirectory> make(const std::string& kept);

  WorkDirectory(WorkDirectory&& other) noexcept;
  WorkDirectory& operator=(WorkDirectory&&) = delete;
  ~WorkDirectory();

  const std::filesystem::path& path() const { return path_; }
  bool is_kept() const { return is_kept_; }

 private:
  WorkDirectory(std::filesystem::path path, bool is_kept) : path_(std::move(path)), is_kept_(is_kept) {}

  std::filesystem::path path_;  // empty: moved from
  bool is_kept_;
};

}  // namespace warmdump
