// Small text files of the crash kernel: configuration, /proc, /sys. No heap.

#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "common/result.h"

namespace warmdump {

struct TextFile {
  std::size_t size = 0;  // bytes read
  bool is_cut = false;   // the file has more than the buffer takes
};

// Reads a file from its start. Error io, with errno, when it cannot be opened or read.
Result<TextFile> read_text_file(const char* path, std::span<char> buffer);

// Writes a value to a file of /proc or /sys in one write(2). Error io, with errno.
Result<void> write_text_file(const char* path, std::string_view value);

}  // namespace warmdump
