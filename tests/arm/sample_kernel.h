// A kernel image that is all setup header: enough to be recognised, not to run.

#pragma once

#include <cstdint>
#include <cstring>
#include <string>

#include "common/little_endian.h"
#include "common/units.h"

namespace warmdump {

inline std::string sample_kernel(const std::string& version) {
  std::string bytes(0x1000, '\0');
  const auto put = [&bytes](std::size_t offset, auto number) {
    const LittleEndian<decltype(number)> stored(number);
    std::memcpy(bytes.data() + offset, &stored, sizeof stored);
  };
  std::memcpy(bytes.data() + 0x202, "HdrS", 4);
  put(0x206, std::uint16_t{0x020f});
  put(0x20e, std::uint16_t{0x600});
  put(0x260, static_cast<std::uint32_t>(64 * kMiB));
  const std::string text = version + " (builder@host) #1 SMP";
  std::memcpy(bytes.data() + 0x800, text.data(), text.size());
  return bytes;
}

}  // namespace warmdump
