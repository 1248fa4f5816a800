// Small files read and written in one go: text of /proc and /sys, kernel modules, configuration, images.

#pragma once

#include <string>
#include <string_view>

#include "common/hosted/failure.h"
#include "common/units.h"

namespace warmdump {

// Everything up to end of file; the size stat() tells is not trusted, since /proc and /sys tell 0.
// A file of more than `size_max` bytes fails with ErrorCode::no_space: the bound guards memory.
Outcome<std::string> read_whole_file(const std::string& path, ByteCount size_max);

// Creates or replaces `path`, mode 0600, durable when this returns. The bytes go to "<path>.new" first, so
// an older file stays whole on failure; the ".new" file is then removed.
Outcome<void> write_whole_file(const std::string& path, std::string_view bytes);

// Writes all of `bytes` at the descriptor's position; `name` is for the message.
Outcome<void> write_all(int fd, std::string_view bytes, const std::string& name);

}  // namespace warmdump
