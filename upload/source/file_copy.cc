#include "upload/source/file_copy.h"

#include <fmt/format.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace warmdump {
namespace {

// Small enough for a progress bar that moves.
constexpr ByteCount kStepBytes = 4 * kMiB;

using CopyStep = ssize_t (*)(int source, int target, off_t offset, std::size_t bytes);

ssize_t step_copy_file_range(int source, int target, off_t offset, std::size_t bytes) {
  off_t source_offset = offset;
  off_t target_offset = offset;
  return copy_file_range(source, &source_offset, target, &target_offset, bytes, 0);
}

ssize_t step_sendfile(int source, int target, off_t offset, std::size_t bytes) {
  off_t source_offset = offset;
  if (lseek(target, offset, SEEK_SET) < 0) return -1;
  return sendfile(target, source, &source_offset, bytes);
}

}  // namespace

Outcome<void> copy_file(int source, int target, ByteCount size, const BytesDone& done) {
  CopyStep step = step_copy_file_range;
  for (ByteCount offset = 0; offset < size;) {
    const auto bytes = static_cast<std::size_t>(std::min(size - offset, kStepBytes));
    const ssize_t copied = step(source, target, static_cast<off_t>(offset), bytes);
    if (copied < 0 && errno == EINTR) continue;
    // Across filesystems old kernels refuse, and some filesystems copy nothing without an error; sendfile
    // then either works or has the true reason.
    if (copied <= 0 && step == step_copy_file_range && errno != ENOSPC && errno != EDQUOT && errno != EFBIG) {
      step = step_sendfile;
      continue;
    }
    if (copied < 0) return Failure::system(fmt::format("at offset {:#x}", offset), errno);
    if (copied == 0) return Failure(ErrorCode::corrupt, fmt::format("ends early, at offset {:#x}", offset));
    offset += static_cast<ByteCount>(copied);
    done(offset);
  }
  return {};
}

}  // namespace warmdump
