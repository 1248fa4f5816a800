// What a bzImage tells about itself in its setup header (Linux Documentation/arch/x86/boot.rst).

#pragma once

#include <string>
#include <string_view>

#include "common/hosted/failure.h"
#include "common/units.h"

namespace warmdump {

struct KernelImage {
  std::string version;      // "6.1.0-50-amd64", as uname -r has it
  ByteCount init_size = 0;  // memory it needs from its load address on until it runs by itself
};

// `bytes` is the file, or at least its first 64 KiB. Not a bzImage of protocol 2.12 (kexec_file_load needs a
// 64-bit entry): ErrorCode::unsupported.
Outcome<KernelImage> parse_kernel_image(std::string_view bytes);

}  // namespace warmdump
