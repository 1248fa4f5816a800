#include "selftest/offline/kdump_pages.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cstring>

namespace warmdump {
namespace {

using namespace kdump_format;

// Flags of a page descriptor.
constexpr std::uint32_t kPlain = 0;
constexpr std::uint32_t kZlib = 0x1;
constexpr std::uint32_t kZstd = 0x20;

constexpr ByteCount kBitmapSizeMax = 64 * kMiB;  // 2 TiB of memory

Failure corrupt(const std::string& what) {
  return Failure(ErrorCode::corrupt, what);
}

bool expand(std::uint32_t flags, std::span<const std::byte> stored, std::span<std::byte, kPageSize> page) {
  if (flags == kPlain) {
    if (stored.size() != page.size()) return false;
    std::memcpy(page.data(), stored.data(), page.size());
    return true;
  }
  if (flags == kZlib) {
    uLongf size = page.size();
    return ::uncompress(reinterpret_cast<Bytef*>(page.data()), &size,
                        reinterpret_cast<const Bytef*>(stored.data()), stored.size()) == Z_OK &&
           size == page.size();
  }
  return flags == kZstd &&
         ::ZSTD_decompress(page.data(), page.size(), stored.data(), stored.size()) == page.size();
}

}  // namespace

Outcome<KdumpPages> KdumpPages::open(const std::filesystem::path& path) {
  KdumpPages pages(UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)));
  if (!pages.file_.valid()) return Failure::system("cannot open " + path.string(), errno);
  KdumpHeader header;
  KdumpSubHeader sub_header;
  TRY(pages.read_at(0, std::as_writable_bytes(std::span(&header, 1))));
  TRY(pages.read_at(kBlockSize, std::as_writable_bytes(std::span(&sub_header, 1))));
  if (std::memcmp(header.signature, kSignature, sizeof kSignature) != 0 || header.version != kVersion ||
      header.block_size != kBlockSize) {
    return corrupt("no kdump-compressed file of version 6");
  }
  const ByteCount bitmap_size = ByteCount{header.bitmap_blocks} / 2 * kBlockSize;
  pages.pfn_end_ = sub_header.max_mapnr_64;
  if (bitmap_size > kBitmapSizeMax || pages.pfn_end_ > bitmap_size * 8)
    return corrupt("its bitmaps do not fit its memory");
  const ByteCount bitmap2 = (1 + ByteCount{header.sub_header_blocks}) * kBlockSize + bitmap_size;
  pages.bitmap_.resize(bitmap_size);
  TRY(pages.read_at(bitmap2, pages.bitmap_));
  pages.descriptors_ = bitmap2 + bitmap_size;
  for (const std::byte byte : pages.bitmap_) {
    pages.page_count_ += static_cast<unsigned>(std::popcount(std::to_integer<unsigned>(byte)));
  }
  return pages;
}

Outcome<void> KdumpPages::read_at(ByteCount offset, std::span<std::byte> target) const {
  while (!target.empty()) {
    const ssize_t size = ::pread(file_.get(), target.data(), target.size(), static_cast<off_t>(offset));
    if (size < 0) return Failure::system(fmt::format("cannot read at {:#x}", offset), errno);
    if (size == 0) return corrupt(fmt::format("the file ends before {:#x}", offset + target.size()));
    target = target.subspan(static_cast<std::size_t>(size));
    offset += static_cast<ByteCount>(size);
  }
  return {};
}

bool KdumpPages::has(Pfn pfn) const {
  return pfn < pfn_end_ && (std::to_integer<unsigned>(bitmap_[pfn / 8]) >> (pfn % 8) & 1U) != 0;
}

PageCount KdumpPages::rank(Pfn pfn) {
  if (pfn < counted_to_) counted_to_ = counted_ = 0;
  for (; counted_to_ < pfn; ++counted_to_) counted_ += has(counted_to_) ? 1U : 0U;
  return counted_;
}

Outcome<bool> KdumpPages::read(Pfn pfn, std::span<std::byte, kPageSize> page) {
  if (!has(pfn)) return false;
  KdumpPageDescriptor descriptor;
  TRY(read_at(descriptors_ + rank(pfn) * sizeof descriptor,
              std::as_writable_bytes(std::span(&descriptor, 1))));
  std::array<std::byte, kPageSize> stored;
  const std::uint32_t size = descriptor.size;
  if (size > stored.size()) return corrupt(fmt::format("pfn {:#x} is stored in {} bytes", pfn, size));
  TRY(read_at(descriptor.offset, std::span(stored).first(size)));
  if (!expand(descriptor.flags, std::span(stored).first(size), page)) {
    return corrupt(fmt::format("pfn {:#x} cannot be expanded", pfn));
  }
  return true;
}

}  // namespace warmdump
