#define ZSTD_STATIC_LINKING_ONLY
#include "capture/writer/frame_encoder.h"

#include <zstd.h>

#include <cstring>

#include "capture/support/raw_log.h"

namespace warmdump {
namespace {

// Chosen on real vmcores, see docs/COMPRESSION.md. What LineEncoder leaves is mostly code and text.
constexpr ZSTD_compressionParameters kParameters = {.windowLog = 20,
                                                    .chainLog = 12,
                                                    .hashLog = 12,
                                                    .searchLog = 1,
                                                    .minMatch = 6,
                                                    .targetLength = 0,
                                                    .strategy = ZSTD_fast};

void set(ZSTD_CCtx* context, ZSTD_cParameter parameter, unsigned value) {
  ZSTD_CCtx_setParameter(context, parameter, static_cast<int>(value));
}

}  // namespace

FrameEncoder::FrameEncoder() {
  ZSTD_CCtx* context = ZSTD_initStaticCCtx(workspace_, sizeof(workspace_));
  if (context == nullptr || ZSTD_estimateCCtxSize_usingCParams(kParameters) > sizeof(workspace_)) {
    log_line("no room for the compressor: the dump is stored uncompressed");
    return;
  }
  set(context, ZSTD_c_windowLog, kParameters.windowLog);
  set(context, ZSTD_c_chainLog, kParameters.chainLog);
  set(context, ZSTD_c_hashLog, kParameters.hashLog);
  set(context, ZSTD_c_searchLog, kParameters.searchLog);
  set(context, ZSTD_c_minMatch, kParameters.minMatch);
  set(context, ZSTD_c_targetLength, kParameters.targetLength);
  set(context, ZSTD_c_strategy, kParameters.strategy);
  set(context, ZSTD_c_checksumFlag, 0);  // the frame has its own
  context_ = context;
}

std::size_t FrameEncoder::bound(std::size_t raw_size) {
  return ZSTD_COMPRESSBOUND(raw_size) + sizeof(dump_format::LinesPrefix);
}

std::size_t FrameEncoder::encode_lines(std::span<const std::byte> raw, std::span<std::byte> target) {
  if (context_ == nullptr || raw.size() > dump_format::kFrameRawSizeMax) return 0;
  const auto split = line_encoder_.split(raw, target.subspan(sizeof(dump_format::LinesPrefix)));
  std::memcpy(target.data(), &split.prefix, sizeof(split.prefix));
  const std::size_t start = sizeof(split.prefix) + split.noise.size();
  const auto left = target.subspan(start);
  const std::size_t size = ZSTD_compress2(static_cast<ZSTD_CCtx*>(context_), left.data(), left.size(),
                                          split.content.data(), split.content.size());
  return !ZSTD_isError(size) && start + size < raw.size() ? start + size : 0;
}

FrameEncoder::Encoded FrameEncoder::encode(std::span<const std::byte> raw, std::span<std::byte> target) {
  const std::size_t size = encode_lines(raw, target);
  if (size > 0) return {dump_format::Codec::lines, size};
  if (!raw.empty()) std::memcpy(target.data(), raw.data(), raw.size());
  return {dump_format::Codec::stored, raw.size()};
}

}  // namespace warmdump
