// Reads the text files of /proc, /sys and /etc that describe the running machine; tests and saved machines
// put a folder in place of the root.

#pragma once

#include <algorithm>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "common/hosted/failure.h"
#include "common/hosted/whole_file.h"

namespace warmdump {

class MachineFiles {
 public:
  explicit MachineFiles(std::string root = "") : root_(std::move(root)) {}

  // `path` is absolute: "/proc/iomem".
  Outcome<std::string> read(const std::string& path, ByteCount size_max = 4 * kMiB) const {
    return read_whole_file(root_ + path, size_max);
  }

  // The same without its final line break; empty when it cannot be read.
  std::string line_or_empty(const std::string& path) const {
    auto text = read(path);
    if (!text.has_value()) return {};
    while (text->ends_with('\n')) text->pop_back();
    return *text;
  }

  bool exists(const std::string& path) const {
    std::error_code ignored;
    return std::filesystem::exists(root_ + path, ignored);
  }

  // Names in a folder, sorted as text; none when it cannot be read.
  std::vector<std::string> names_in(const std::string& folder) const {
    std::vector<std::string> names;
    std::error_code error;
    for (std::filesystem::directory_iterator entry(root_ + folder, error), end; !error && entry != end;
         entry.increment(error)) {
      names.push_back(entry->path().filename());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  // Where a symbolic link points, as it stands there; empty for what is none.
  std::string link_target(const std::string& path) const {
    std::error_code ignored;
    return std::filesystem::read_symlink(root_ + path, ignored).string();
  }

  std::string path(const std::string& absolute) const { return root_ + absolute; }

 private:
  std::string root_;
};

}  // namespace warmdump
