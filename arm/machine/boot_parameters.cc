#include "arm/machine/boot_parameters.h"

#include <fmt/format.h>

#include <algorithm>

#include "arm/machine/little_endian.h"

namespace warmdump {
namespace {

constexpr std::size_t kRamdiskImageHigh = 0x0c0;
constexpr std::size_t kRamdiskSizeHigh = 0x0c4;
constexpr std::size_t kEfiLoaderSignature = 0x1c0;  // "EL32" or "EL64"
constexpr std::size_t kMapEntryCount = 0x1e8;
constexpr std::size_t kHeaderMagic = 0x202;  // "HdrS"
constexpr std::size_t kRamdiskImage = 0x218;
constexpr std::size_t kRamdiskSize = 0x21c;
constexpr std::size_t kMap = 0x2d0;
constexpr std::size_t kMapEntrySize = 20;  // address, size, type
constexpr std::size_t kMapEntriesMax = 128;
constexpr std::uint32_t kTypeRam = 1;

}  // namespace

Outcome<BootParameters> parse_boot_parameters(std::string_view bytes) {
  if (bytes.size() < kMap + kMapEntriesMax * kMapEntrySize || bytes.substr(kHeaderMagic, 4) != "HdrS") {
    return Failure(ErrorCode::corrupt,
                   fmt::format("{} bytes that are not the boot parameters of an x86 kernel", bytes.size()));
  }
  BootParameters parameters;
  const auto count = static_cast<std::uint8_t>(bytes[kMapEntryCount]);
  if (count > kMapEntriesMax) {
    return Failure(ErrorCode::corrupt, fmt::format("boot parameters with {} e820 entries", count));
  }
  for (std::size_t i = 0; i < count; ++i) {
    const std::string_view entry = bytes.substr(kMap + i * kMapEntrySize, kMapEntrySize);
    const AddressRange range{little_endian_64(entry, 0), little_endian_64(entry, 8)};
    if (little_endian_32(entry, 16) == kTypeRam && range.size > 0 && range.end() > range.start) {
      parameters.ram.push_back(range);
    }
  }
  std::sort(parameters.ram.begin(), parameters.ram.end(),
            [](const AddressRange& a, const AddressRange& b) { return a.start < b.start; });
  parameters.ram_complete = count < kMapEntriesMax && !parameters.ram.empty();
  const auto wide = [&](std::size_t low, std::size_t high) {
    return std::uint64_t{little_endian_32(bytes, high)} << 32 | little_endian_32(bytes, low);
  };
  const AddressRange initrd{wide(kRamdiskImage, kRamdiskImageHigh), wide(kRamdiskSize, kRamdiskSizeHigh)};
  if (initrd.start != 0 && initrd.size != 0 && initrd.end() > initrd.start) parameters.initrd = initrd;
  parameters.efi = bytes.substr(kEfiLoaderSignature, 2) == "EL";
  return parameters;
}

}  // namespace warmdump
