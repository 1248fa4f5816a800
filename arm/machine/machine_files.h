// Reads the text files of /proc, /sys and /etc that describe the running machine; tests put a folder in place
// of the root.

#pragma once

#include <string>

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

  std::string path(const std::string& absolute) const { return root_ + absolute; }

 private:
  std::string root_;
};

}  // namespace warmdump
