#define ZSTD_STATIC_LINKING_ONLY
#include "capture/writer/frame_encoder.h"

#include <zstd.h>

#include <cstring>

#include "capture/support/raw_log.h"

namespace warmdump {
namespace {

// Chosen on real vmcores, see docs/COMPRESSION.md: memory is full of 8-byte words that repeat at page
// distance, so a wide window and a fast search beat a thorough one.
constexpr ZSTD_compressionParameters kParameters = {.windowLog = 20,
                                                    .chainLog = 12,
                                                    .hashLog = 16,
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
  return ZSTD_COMPRESSBOUND(raw_size);
}

FrameEncoder::Encoded FrameEncoder::encode(std::span<const std::byte> raw, std::span<std::byte> target) {
  if (context_ != nullptr) {
    const std::size_t size = ZSTD_compress2(static_cast<ZSTD_CCtx*>(context_), target.data(), target.size(),
                                            raw.data(), raw.size());
    if (!ZSTD_isError(size) && size < raw.size()) return {dump_format::Codec::zstd, size};
  }
  std::memcpy(target.data(), raw.data(), raw.size());
  return {dump_format::Codec::stored, raw.size()};
}

}  // namespace warmdump
