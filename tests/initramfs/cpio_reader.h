// Reads a newc archive back, as strictly as the kernel does; for tests only.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace warmdump {

struct CpioEntry {
  std::string path;
  std::string content;
  std::uint32_t inode, mode, owner, group, links, time, device_major, device_minor;
};

inline constexpr std::string_view kCpioMagic = "070701";

// The entries up to the trailer; `archive` is left at the byte behind the trailer's padding. An entry that
// breaks the format ends the list with one whose path is "BROKEN".
inline std::vector<CpioEntry> read_cpio(std::string_view& archive) {
  std::vector<CpioEntry> entries;
  std::size_t position = 0;
  const auto field = [&](unsigned index) {
    return static_cast<std::uint32_t>(
        std::stoul(std::string(archive.substr(position + kCpioMagic.size() + 8 * index, 8)), nullptr, 16));
  };
  const auto aligned = [](std::size_t offset) { return (offset + 3) / 4 * 4; };
  for (;;) {
    constexpr std::size_t kHeaderSize = 110;
    if (archive.substr(position, 6) != kCpioMagic || archive.size() - position < kHeaderSize) {
      entries.push_back({"BROKEN", {}, 0, 0, 0, 0, 0, 0, 0, 0});
      return entries;
    }
    CpioEntry entry{{}, {}, field(0), field(1), field(2), field(3), field(4), field(5), field(9), field(10)};
    const std::size_t content_size = field(6);
    const std::size_t path_size = field(11);
    const std::size_t content_start = aligned(position + kHeaderSize + path_size);
    entry.path = archive.substr(position + kHeaderSize, path_size - 1);
    if (archive[position + kHeaderSize + path_size - 1] != '\0') entry.path = "BROKEN";
    entry.content = archive.substr(content_start, content_size);
    position = aligned(content_start + content_size);
    if (entry.path == "TRAILER!!!") {
      archive.remove_prefix(position);
      return entries;
    }
    entries.push_back(entry);
  }
}

}  // namespace warmdump
