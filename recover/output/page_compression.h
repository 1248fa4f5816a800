// How single pages are compressed in a kdump file.
//
// To add one: a PageCompressor in page_compression.cc, a line in the table there with the numbers the
// readers know it by, the test of all compressions in kdump_output_test.cc covers it by itself.

#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

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
  std::unique_ptr<PageCompressor> (*make)();
};

// nullptr when there is none of that name; the empty name is the default, zlib: every build of every tool
// can read it.
const PageCompression* find_page_compression(std::string_view name);
std::span<const PageCompression> page_compressions();

}  // namespace warmdump
