// The compressions of kernel modules and of the crash image: one table, used in both directions.

#pragma once

#include <span>
#include <string>
#include <string_view>

#include "common/hosted/failure.h"
#include "common/units.h"
#include "initramfs/kernel_config.h"

namespace warmdump {

struct Compressor {
  std::string_view name;            // "xz"
  std::string_view file_suffix;     // ".xz", of a compressed module
  std::string_view magic;           // first bytes of everything it writes
  std::string_view unpack_setting;  // kernel setting that lets the kernel unpack such an initramfs: "RD_XZ"
  // The kernel setting that `compress` looks at, or nothing.
  std::string_view compress_setting;
  // The whole of `bytes`, as small as it gets and so that the kernel's boot-time unpacker takes it: it works
  // in little memory, so the window is no larger than the content.
  Outcome<std::string> (*compress)(std::string_view bytes, const KernelConfig& config);
  // Result larger than `size_max`: ErrorCode::no_space. Damaged, cut or followed by anything else: corrupt.
  Outcome<std::string> (*decompress)(std::string_view bytes, ByteCount size_max);
};

// All of them, the one with the smallest images first.
std::span<const Compressor> compressors();

// The first that the kernel can unpack; gzip when the configuration tells nothing of any, since almost every
// kernel has it.
const Compressor& compressor_for(const KernelConfig& config);

// `bytes` as they are when no compressor's magic leads them.
Outcome<std::string> decompress_by_magic(std::string_view bytes, ByteCount size_max);

}  // namespace warmdump
