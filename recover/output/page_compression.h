// How single pages are compressed in a kdump file.
//
// To add one: a PageCompressor in page_compression.cc, a line in the table there with the numbers the
// readers know it by, a line in docs/man/warmdump-extract.8; the tests of all compressions cover it by
// themselves.

#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "common/hosted/failure.h"
#include "recover/dump/frame_payload.h"

namespace warmdump {

// Keeps its memory from page to page: one for each thread.
class PageCompressor {
 public:
  virtual ~PageCompressor() = default;

  // Compresses into `target`. Returns the number of bytes, 0 when they would not be fewer than kPageSize.
  virtual std::size_t compress(std::span<const std::byte, kPageSize> page,
                               std::span<std::byte, kPageSize> target) = 0;
};

struct PageCompression {
  std::string_view name;
  std::uint32_t flag;  // in page descriptors, and in the status of the file header
  int level_max;       // 0: it has no levels
  std::unique_ptr<PageCompressor> (*make)(int level);
};

// The fastest, as makedumpfile has it.
inline constexpr int kDefaultLevel = 1;

// The compression of that name; the empty name is the default, zlib: every build of every tool can read it.
// `level` 0 is the default. Errors: invalid, with what there is to choose from.
Outcome<const PageCompression*> choose_page_compression(std::string_view name, int level);
std::span<const PageCompression> page_compressions();

}  // namespace warmdump
