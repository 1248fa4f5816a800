// Copies between files without carrying the bytes through this process, where the kernel can.

#pragma once

#include "common/hosted/failure.h"
#include "common/units.h"
#include "upload/source/dump_directory.h"

namespace warmdump {

// Copies the first `size` bytes of source to target, from position 0 of both. A source that ends early is
// `corrupt`. On failure the target holds a prefix.
Outcome<void> copy_file(int source, int target, ByteCount size, const BytesDone& done);

}  // namespace warmdump
