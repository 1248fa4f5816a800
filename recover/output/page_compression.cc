#include "recover/output/page_compression.h"

#include <fmt/format.h>
#include <libdeflate.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <new>
#include <string>

#include "recover/output/lzo1x_encoder.h"

namespace warmdump {
namespace {

// zlib's streams, but not by zlib: one call a page, and three times as fast.
class ZlibCompressor final : public PageCompressor {
 public:
  explicit ZlibCompressor(int level) : compressor_(libdeflate_alloc_compressor(level)) {
    if (!compressor_) throw std::bad_alloc();
  }

  std::size_t compress(std::span<const std::byte, kPageSize> page,
                       std::span<std::byte, kPageSize> target) override {
    return libdeflate_zlib_compress(compressor_.get(), page.data(), page.size(), target.data(),
                                    kPageSize - 1);
  }

 private:
  struct FreeCompressor {
    void operator()(libdeflate_compressor* compressor) const { libdeflate_free_compressor(compressor); }
  };
  std::unique_ptr<libdeflate_compressor, FreeCompressor> compressor_;
};

class ZstdCompressor final : public PageCompressor {
 public:
  explicit ZstdCompressor(int level) : level_(level), context_(ZSTD_createCCtx()) {
    if (!context_) throw std::bad_alloc();
  }

  std::size_t compress(std::span<const std::byte, kPageSize> page,
                       std::span<std::byte, kPageSize> target) override {
    const std::size_t size =
        ZSTD_compressCCtx(context_.get(), target.data(), kPageSize - 1, page.data(), page.size(), level_);
    return ZSTD_isError(size) ? 0 : size;
  }

 private:
  struct FreeContext {
    void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  };
  int level_;
  std::unique_ptr<ZSTD_CCtx, FreeContext> context_;
};

class LzoCompressor final : public PageCompressor {
 public:
  explicit LzoCompressor(int) {}

  std::size_t compress(std::span<const std::byte, kPageSize> page,
                       std::span<std::byte, kPageSize> target) override {
    const auto stream = encoder_.encode(page);
    if (stream.size() >= kPageSize) return 0;
    std::copy(stream.begin(), stream.end(), target.begin());
    return stream.size();
  }

 private:
  Lzo1xEncoder encoder_;
};

class NoCompressor final : public PageCompressor {
 public:
  explicit NoCompressor(int) {}
  std::size_t compress(std::span<const std::byte, kPageSize>, std::span<std::byte, kPageSize>) override {
    return 0;
  }
};

template <class Compressor>
std::unique_ptr<PageCompressor> make(int level) {
  return std::make_unique<Compressor>(level == 0 ? kDefaultLevel : level);
}

constexpr std::array kCompressions = {
    PageCompression{"zlib", 0x1, 12, make<ZlibCompressor>},
    PageCompression{"zstd", 0x20, 19, make<ZstdCompressor>},
    PageCompression{"lzo", 0x2, 0, make<LzoCompressor>},
    PageCompression{"none", 0, 0, make<NoCompressor>},
};

std::string compression_names() {
  std::string names;
  for (const PageCompression& compression : kCompressions)
    names += fmt::format("{}{}", names.empty() ? "" : ", ", compression.name);
  return names;
}

}  // namespace

std::span<const PageCompression> page_compressions() {
  return kCompressions;
}

Outcome<const PageCompression*> choose_page_compression(std::string_view name, int level) {
  if (name.empty()) name = kCompressions.front().name;
  const auto found = std::find_if(kCompressions.begin(), kCompressions.end(),
                                  [name](const PageCompression& entry) { return entry.name == name; });
  if (found == kCompressions.end()) {
    return Failure(ErrorCode::invalid,
                   fmt::format("there is no compression \"{}\" for kdump files; there are {}", name,
                               compression_names()));
  }
  if (level < 0 || level > found->level_max) {
    return Failure(ErrorCode::invalid,
                   found->level_max == 0
                       ? fmt::format("compression {} has no levels", name)
                       : fmt::format("compression {} has the levels 1 to {}", name, found->level_max));
  }
  return &*found;
}

}  // namespace warmdump
