// What the kernel finds in an initramfs image after unpacking it (Linux init/initramfs.c): "newc" cpio
// archives one behind the other, plain or compressed, a later file over an earlier one of the same path.

#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "common/hosted/failure.h"
#include "common/units.h"

namespace warmdump {

struct ImageContent {
  // Regular files, by path without a leading slash or "./". One that has several names has its content under
  // one of them only, and is empty under the others.
  std::map<std::string, std::string, std::less<>> files;
  ByteCount unpacked_size = 0;            // of all files
  std::string_view compression = "none";  // of the compressed archive: Compressor::name
  std::string_view unpack_setting;        // its Compressor::unpack_setting; empty without one
};

// Any number of plain archives, then at most one compressed part, up to the end but for zeros: what dracut
// and mkinitramfs write. Failures carry the offset: corrupt (damaged, cut, or no initramfs at all),
// unsupported (a compression that is not in compressors()), no_space (unpacks to more than
// `unpacked_size_max`).
Outcome<ImageContent> read_image_content(std::string_view image, ByteCount unpacked_size_max);

}  // namespace warmdump
