#include "arm/load/kernel_image.h"

#include <cstring>

#include "common/little_endian.h"

namespace warmdump {
namespace {

constexpr std::size_t kMagicOffset = 0x202;  // "HdrS"
constexpr std::size_t kProtocolOffset = 0x206;
constexpr std::size_t kVersionPointerOffset = 0x20e;  // counted from 0x200
constexpr std::size_t kInitSizeOffset = 0x260;
constexpr std::size_t kHeaderEnd = 0x264;
constexpr std::uint16_t kProtocolMin = 0x020c;
constexpr std::size_t kVersionSizeMax = 256;

template <class T>
T number_at(std::string_view bytes, std::size_t offset) {
  LittleEndian<T> number;
  std::memcpy(&number, bytes.data() + offset, sizeof number);
  return number;
}

}  // namespace

Outcome<KernelImage> parse_kernel_image(std::string_view bytes) {
  if (bytes.size() < kHeaderEnd || bytes.substr(kMagicOffset, 4) != "HdrS") {
    return Failure(ErrorCode::unsupported, "not an x86 kernel image (bzImage)");
  }
  if (number_at<std::uint16_t>(bytes, kProtocolOffset) < kProtocolMin) {
    return Failure(ErrorCode::unsupported,
                   "the kernel image is too old for kexec_file_load (boot protocol < 2.12)");
  }
  KernelImage image;
  image.init_size = number_at<std::uint32_t>(bytes, kInitSizeOffset);
  const std::size_t version = std::size_t{number_at<std::uint16_t>(bytes, kVersionPointerOffset)} + 0x200;
  if (version >= bytes.size()) return Failure(ErrorCode::corrupt, "the kernel image has no version text");
  const std::string_view text = bytes.substr(version, kVersionSizeMax);
  image.version = std::string(text.substr(0, text.find_first_of(std::string_view(" \0", 2))));
  if (image.version.empty() || image.version.find('/') != std::string::npos) {
    return Failure(ErrorCode::corrupt, "the kernel image has no version text");
  }
  return image;
}

}  // namespace warmdump
