#include "recover/output/page_compression.h"

#include <zlib.h>
#include <zstd.h>

#include <array>
#include <new>

namespace warmdump {
namespace {

// Both libraries at their fastest level, as makedumpfile has it.
constexpr int kLevel = 1;

class ZlibCompressor final : public PageCompressor {
 public:
  ZlibCompressor() {
    if (deflateInit(&stream_, kLevel) != Z_OK) throw std::bad_alloc();
  }
  ZlibCompressor(const ZlibCompressor&) = delete;
  ZlibCompressor& operator=(const ZlibCompressor&) = delete;
  ~ZlibCompressor() override { deflateEnd(&stream_); }

  std::size_t compress(std::span<const std::byte, kPageSize> page,
                       std::span<std::byte, kPageSize> target) override {
    deflateReset(&stream_);
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(page.data()));
    stream_.avail_in = kPageSize;
    stream_.next_out = reinterpret_cast<Bytef*>(target.data());
    stream_.avail_out = kPageSize - 1;
    return deflate(&stream_, Z_FINISH) == Z_STREAM_END ? stream_.total_out : 0;
  }

 private:
  z_stream stream_{};
};

class ZstdCompressor final : public PageCompressor {
 public:
  ZstdCompressor() : context_(ZSTD_createCCtx()) {
    if (!context_) throw std::bad_alloc();
  }

  std::size_t compress(std::span<const std::byte, kPageSize> page,
                       std::span<std::byte, kPageSize> target) override {
    const std::size_t size =
        ZSTD_compressCCtx(context_.get(), target.data(), kPageSize - 1, page.data(), page.size(), kLevel);
    return ZSTD_isError(size) ? 0 : size;
  }

 private:
  struct FreeContext {
    void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  };
  std::unique_ptr<ZSTD_CCtx, FreeContext> context_;
};

class NoCompressor final : public PageCompressor {
 public:
  std::size_t compress(std::span<const std::byte, kPageSize>, std::span<std::byte, kPageSize>) override {
    return 0;
  }
};

template <class Compressor>
std::unique_ptr<PageCompressor> make() {
  return std::make_unique<Compressor>();
}

constexpr std::array kCompressions = {
    PageCompression{"zlib", 0x1, make<ZlibCompressor>},
    PageCompression{"zstd", 0x20, make<ZstdCompressor>},
    PageCompression{"none", 0, make<NoCompressor>},
};

}  // namespace

std::span<const PageCompression> page_compressions() {
  return kCompressions;
}

const PageCompression* find_page_compression(std::string_view name) {
  if (name.empty()) return &kCompressions.front();
  for (const PageCompression& compression : kCompressions) {
    if (compression.name == name) return &compression;
  }
  return nullptr;
}

}  // namespace warmdump
