#include "initramfs/compressor.h"

#include <fmt/format.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <memory>

namespace warmdump {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t kOutputStep = 256 * kKiB;
constexpr ByteCount kDecoderMemoryMax = 256 * kMiB;

Failure too_large(ByteCount size_max) {
  return {ErrorCode::no_space, fmt::format("unpacks to more than {} bytes", size_max)};
}
Failure damaged(std::string_view format) {
  return {ErrorCode::corrupt,
          fmt::format("{} data is damaged, cut short or followed by something else", format)};
}
Failure cannot_compress(std::string_view format) {
  return {ErrorCode::io, fmt::format("{} compression failed: out of memory?", format)};
}

// ---- xz: the kernel knows CRC32 and no check at all; LZMA2, and the x86 filter where it is configured.

lzma_filter* fill_xz_filters(lzma_filter (&filters)[3], lzma_options_lzma& options, bool x86_filter) {
  lzma_filter* next = filters;
  if (x86_filter) *next++ = {LZMA_FILTER_X86, nullptr};
  *next++ = {LZMA_FILTER_LZMA2, &options};
  *next = {LZMA_VLI_UNKNOWN, nullptr};
  return filters;
}

Outcome<std::string> compress_xz(std::string_view bytes, const KernelConfig& config) {
  lzma_options_lzma options;
  if (lzma_lzma_preset(&options, 9 | LZMA_PRESET_EXTREME)) return cannot_compress("xz");
  const std::size_t content = std::max<std::size_t>(bytes.size(), LZMA_DICT_SIZE_MIN);
  options.dict_size =
      static_cast<std::uint32_t>(std::min<std::size_t>(round_up(content, 4 * kKiB), 8 * kMiB));
  lzma_filter filters[3];
  fill_xz_filters(filters, options, config.enabled("XZ_DEC_X86"));
  std::string packed(lzma_stream_buffer_bound(bytes.size()), '\0');
  std::size_t packed_size = 0;
  const lzma_ret result = lzma_stream_buffer_encode(
      filters, LZMA_CHECK_CRC32, nullptr, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size(),
      reinterpret_cast<std::uint8_t*>(packed.data()), &packed_size, packed.size());
  if (result != LZMA_OK) return cannot_compress("xz");
  packed.resize(packed_size);
  return packed;
}

Outcome<std::string> decompress_xz(std::string_view bytes, ByteCount size_max) {
  lzma_stream stream = LZMA_STREAM_INIT;
  if (lzma_stream_decoder(&stream, kDecoderMemoryMax, LZMA_CONCATENATED) != LZMA_OK)
    return cannot_compress("xz");
  const std::unique_ptr<lzma_stream, decltype(&lzma_end)> end(&stream, lzma_end);
  std::string content;
  stream.next_in = reinterpret_cast<const std::uint8_t*>(bytes.data());
  stream.avail_in = bytes.size();
  for (;;) {
    content.resize(content.size() + kOutputStep);
    stream.next_out = reinterpret_cast<std::uint8_t*>(content.data()) + content.size() - kOutputStep;
    stream.avail_out = kOutputStep;
    const lzma_ret result = lzma_code(&stream, LZMA_FINISH);
    content.resize(content.size() - stream.avail_out);
    if (content.size() > size_max) return too_large(size_max);
    if (result == LZMA_STREAM_END) return content;
    if (result != LZMA_OK || stream.avail_out != 0) return damaged("xz");
  }
}

// ---- zstd: one frame with its content size; that size bounds the window.

Outcome<std::string> compress_zstd(std::string_view bytes, const KernelConfig&) {
  const std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context(ZSTD_createCCtx(), ZSTD_freeCCtx);
  if (!context) return cannot_compress("zstd");
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, 19);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
  std::string packed(ZSTD_compressBound(bytes.size()), '\0');
  const std::size_t size =
      ZSTD_compress2(context.get(), packed.data(), packed.size(), bytes.data(), bytes.size());
  if (ZSTD_isError(size)) return cannot_compress("zstd");
  packed.resize(size);
  return packed;
}

Outcome<std::string> decompress_zstd(std::string_view bytes, ByteCount size_max) {
  const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context(ZSTD_createDCtx(), ZSTD_freeDCtx);
  if (!context) return cannot_compress("zstd");
  std::string content;
  ZSTD_inBuffer input{bytes.data(), bytes.size(), 0};
  for (;;) {
    const std::size_t before = content.size();
    content.resize(before + kOutputStep);
    ZSTD_outBuffer output{content.data() + before, kOutputStep, 0};
    const std::size_t rest = ZSTD_decompressStream(context.get(), &output, &input);
    content.resize(before + output.pos);
    if (content.size() > size_max) return too_large(size_max);
    if (ZSTD_isError(rest)) return damaged("zstd");
    if (rest == 0 && input.pos == input.size) return content;
    if (input.pos == input.size && output.pos < output.size) return damaged("zstd");
  }
}

// ---- gzip

constexpr int kGzipWindowBits = 15 + 16;  // zlib: +16 asks for the gzip frame

Outcome<std::string> compress_gzip(std::string_view bytes, const KernelConfig&) {
  z_stream stream{};
  if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, kGzipWindowBits, 9, Z_DEFAULT_STRATEGY) != Z_OK) {
    return cannot_compress("gzip");
  }
  const std::unique_ptr<z_stream, decltype(&deflateEnd)> end(&stream, deflateEnd);
  std::string packed(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  if (deflate(&stream, Z_FINISH) != Z_STREAM_END) return cannot_compress("gzip");
  packed.resize(stream.total_out);
  return packed;
}

Outcome<std::string> decompress_gzip(std::string_view bytes, ByteCount size_max) {
  z_stream stream{};
  if (inflateInit2(&stream, kGzipWindowBits) != Z_OK) return cannot_compress("gzip");
  const std::unique_ptr<z_stream, decltype(&inflateEnd)> end(&stream, inflateEnd);
  std::string content;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  for (;;) {
    content.resize(content.size() + kOutputStep);
    stream.next_out = reinterpret_cast<Bytef*>(content.data()) + content.size() - kOutputStep;
    stream.avail_out = kOutputStep;
    const int result = inflate(&stream, Z_NO_FLUSH);
    content.resize(content.size() - stream.avail_out);
    if (content.size() > size_max) return too_large(size_max);
    if (result == Z_STREAM_END && stream.avail_in == 0) return content;
    if (result != Z_OK || stream.avail_out != 0) return damaged("gzip");
  }
}

// To add one: its two functions above, a line here in the order of image size, a line in the round-trip test,
// its library in initramfs/CMakeLists.txt. The setting is the kernel's Kconfig name of "support initial
// ramdisk compressed using ...".
constexpr Compressor kCompressors[] = {
    {"xz", ".xz",
     "\xfd"
     "7zXZ\0"sv,
     "RD_XZ", "XZ_DEC_X86", compress_xz, decompress_xz},
    {"zstd", ".zst", "\x28\xb5\x2f\xfd"sv, "RD_ZSTD", "", compress_zstd, decompress_zstd},
    {"gzip", ".gz", "\x1f\x8b"sv, "RD_GZIP", "", compress_gzip, decompress_gzip},
};

}  // namespace

std::span<const Compressor> compressors() {
  return kCompressors;
}

const Compressor& compressor_for(const KernelConfig& config) {
  for (const Compressor& compressor : kCompressors) {
    if (config.enabled(compressor.unpack_setting)) return compressor;
  }
  return *std::find_if(std::begin(kCompressors), std::end(kCompressors),
                       [](const Compressor& compressor) { return compressor.name == "gzip"; });
}

Outcome<std::string> decompress_by_magic(std::string_view bytes, ByteCount size_max) {
  for (const Compressor& compressor : kCompressors) {
    if (bytes.starts_with(compressor.magic)) return compressor.decompress(bytes, size_max);
  }
  if (bytes.size() > size_max) return too_large(size_max);
  return std::string(bytes);
}

}  // namespace warmdump
