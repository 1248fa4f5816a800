#include "initramfs/cpio_writer.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <iterator>
#include <utility>

namespace warmdump {
namespace {

constexpr std::string_view kTrailerPath = "TRAILER!!!";
constexpr std::size_t kAlignment = 4;  // of header and content

void pad(std::string& archive) {
  archive.resize((archive.size() + kAlignment - 1) / kAlignment * kAlignment);
}

}  // namespace

void CpioWriter::add_entry(std::string_view path, std::uint32_t mode, std::string_view content,
                           std::uint32_t major, std::uint32_t minor) {
  const bool trailer = path == kTrailerPath;
  const std::uint32_t inode = trailer ? 0 : ++inode_;
  const std::uint32_t links = S_ISDIR(mode) ? 2 : 1;
  constexpr std::uint32_t kZero = 0;  // owner, group, time, device the archive was made on, checksum
  fmt::format_to(std::back_inserter(archive_),
                 "070701{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}",
                 inode, mode, kZero, kZero, links, kZero, content.size(), kZero, kZero, major, minor,
                 path.size() + 1, kZero);
  archive_.append(path).push_back('\0');
  pad(archive_);
  archive_.append(content);
  pad(archive_);
}

void CpioWriter::add_directory(std::string_view path, std::uint32_t permissions) {
  add_entry(path, S_IFDIR | permissions, {});
}

void CpioWriter::add_file(std::string_view path, std::uint32_t permissions, std::string_view content) {
  add_entry(path, S_IFREG | permissions, content);
}

void CpioWriter::add_character_device(std::string_view path, std::uint32_t permissions, std::uint32_t major,
                                      std::uint32_t minor) {
  add_entry(path, S_IFCHR | permissions, {}, major, minor);
}

std::string CpioWriter::finish() {
  add_entry(kTrailerPath, 0, {});
  inode_ = 0;
  return std::exchange(archive_, {});
}

}  // namespace warmdump
