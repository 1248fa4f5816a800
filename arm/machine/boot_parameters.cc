#include "arm/machine/boot_parameters.h"

#include <cstring>

#include "common/little_endian.h"

namespace warmdump {
namespace {

constexpr std::size_t kHighAddressOffset = 0x0c0;  // ext_ramdisk_image: upper halves
constexpr std::size_t kHighSizeOffset = 0x0c4;
constexpr std::size_t kAddressOffset = 0x218;  // hdr.ramdisk_image
constexpr std::size_t kSizeOffset = 0x21c;

std::uint64_t number_at(std::string_view bytes, std::size_t offset) {
  LittleEndian<std::uint32_t> number;
  std::memcpy(&number, bytes.data() + offset, sizeof number);
  return number;
}

}  // namespace

std::optional<AddressRange> initrd_range(std::string_view boot_parameters) {
  if (boot_parameters.size() < kSizeOffset + 4) return std::nullopt;
  return AddressRange{
      number_at(boot_parameters, kHighAddressOffset) << 32 | number_at(boot_parameters, kAddressOffset),
      number_at(boot_parameters, kHighSizeOffset) << 32 | number_at(boot_parameters, kSizeOffset)};
}

}  // namespace warmdump
