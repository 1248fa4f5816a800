#include "initramfs/image_content.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "initramfs/compressor.h"

namespace warmdump {
namespace {

constexpr std::string_view kMagics[] = {"070701", "070702"};  // without and with a checksum
constexpr std::string_view kTrailerPath = "TRAILER!!!";
constexpr std::size_t kMagicSize = 6;
constexpr std::size_t kFieldSize = 8;  // hexadecimal digits
constexpr std::size_t kHeaderSize = kMagicSize + 13 * kFieldSize;
constexpr std::size_t kAlignment = 4;

enum Field : std::size_t { kMode = 1, kContentSize = 6, kPathSize = 11 };

bool is_archive(std::string_view bytes) {
  return bytes.starts_with(kMagics[0]) || bytes.starts_with(kMagics[1]);
}

std::optional<std::size_t> header_field(std::string_view header, Field field) {
  const std::string_view digits = header.substr(kMagicSize + field * kFieldSize, kFieldSize);
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

std::string_view plain_path(std::string_view path) {
  while (path.starts_with("/") || path.starts_with("./")) path.remove_prefix(path.starts_with("/") ? 1 : 2);
  return path;
}

Failure broken(std::size_t offset, const char* what) {
  return {ErrorCode::corrupt, fmt::format("at byte {} of the archive: {}", offset, what)};
}

// Reads one archive from the start of `bytes`; returns how long it is, its trailer included.
Outcome<std::size_t> read_archive(std::string_view bytes, ImageContent& content) {
  std::size_t position = 0;
  for (;;) {
    const std::string_view header = bytes.substr(position, kHeaderSize);
    if (header.size() < kHeaderSize) return broken(position, "it is cut short");
    if (!is_archive(header)) return broken(position, "no cpio header");
    const auto mode = header_field(header, kMode);
    const auto content_size = header_field(header, kContentSize);
    const auto path_size = header_field(header, kPathSize);
    if (!mode || !content_size || !path_size || *path_size == 0) return broken(position, "a damaged header");
    const std::size_t path_start = position + kHeaderSize;
    const std::size_t content_start = round_up(path_start + *path_size, kAlignment);
    if (content_start > bytes.size() || *content_size > bytes.size() - content_start) {
      return broken(position, "a file that is cut short");
    }
    const std::string_view path = bytes.substr(path_start, *path_size - 1);
    position = std::min<std::size_t>(round_up(content_start + *content_size, kAlignment), bytes.size());
    if (path == kTrailerPath) return position;
    if (S_ISREG(*mode)) {
      content.files[std::string(plain_path(path))] = bytes.substr(content_start, *content_size);
      content.unpacked_size += *content_size;
    }
  }
}

const Compressor* compressor_of(std::string_view bytes) {
  for (const Compressor& compressor : compressors()) {
    if (bytes.starts_with(compressor.magic)) return &compressor;
  }
  return nullptr;
}

// Reads plain archives with zeros between them; returns where something else begins, or the end.
Outcome<std::size_t> read_archives(std::string_view bytes, ByteCount unpacked_size_max,
                                   ImageContent& content) {
  for (std::size_t offset = 0;;) {
    offset = std::min(bytes.find_first_not_of('\0', offset), bytes.size());
    if (offset % kAlignment != 0 || !is_archive(bytes.substr(offset))) return offset;
    offset += TRY(
        in_context(fmt::format("archive at byte {}", offset), read_archive(bytes.substr(offset), content)));
    if (content.unpacked_size > unpacked_size_max) {
      return Failure(ErrorCode::no_space, fmt::format("unpacks to more than {} bytes", unpacked_size_max));
    }
  }
}

}  // namespace

Outcome<ImageContent> read_image_content(std::string_view image, ByteCount unpacked_size_max) {
  ImageContent content;
  const std::size_t plain_size = TRY(read_archives(image, unpacked_size_max, content));
  if (plain_size < image.size()) {
    const std::string_view packed = image.substr(plain_size);
    const Compressor* compressor = compressor_of(packed);
    if (compressor == nullptr) {
      return Failure(
          ErrorCode::unsupported,
          fmt::format("at byte {}: neither a cpio archive nor one packed with xz, zstd or gzip", plain_size));
    }
    const std::string where = fmt::format("compressed archive at byte {}", plain_size);
    const std::string archive = TRY(in_context(where, compressor->decompress(packed, unpacked_size_max)));
    const std::size_t read = TRY(in_context(where, read_archives(archive, unpacked_size_max, content)));
    if (read < archive.size()) {
      return Failure(ErrorCode::corrupt, fmt::format("{}: at byte {}: no cpio header", where, read));
    }
    content.compression = compressor->name;
    content.unpack_setting = compressor->unpack_setting;
  }
  if (content.files.empty()) return Failure(ErrorCode::corrupt, "it holds no files");
  return content;
}

}  // namespace warmdump
