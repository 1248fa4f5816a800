// Writes a "newc" cpio archive, the format of an initramfs, in memory (Linux Documentation/driver-api/
// early-userspace/buffer-format.rst). The same entries give the same bytes: time 0, owner root, inodes
// counted.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace warmdump {

class CpioWriter {
 public:
  // Paths have no leading slash, and their directories are added before them: the kernel creates none by
  // itself. `permissions` are the low 12 bits of a mode.
  void add_directory(std::string_view path, std::uint32_t permissions = 0755);
  void add_file(std::string_view path, std::uint32_t permissions, std::string_view content);  // < 4 GiB
  void add_character_device(std::string_view path, std::uint32_t permissions, std::uint32_t major,
                            std::uint32_t minor);

  // Room for that many bytes, so that content does not move in memory while the archive grows.
  void reserve(std::size_t size) { archive_.reserve(size); }

  // Ends the archive with its trailer; the length is a multiple of 4, so another may follow. The writer is
  // empty afterwards.
  std::string finish();

 private:
  void add_entry(std::string_view path, std::uint32_t mode, std::string_view content, std::uint32_t major = 0,
                 std::uint32_t minor = 0);

  std::string archive_;
  std::uint32_t inode_ = 0;
};

}  // namespace warmdump
