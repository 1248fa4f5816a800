#include "recover/dump/frame_payload.h"

#include <zstd.h>

#include <cstring>
#include <optional>

namespace warmdump {
namespace {

using dump_format::ClassTotals;
using dump_format::Codec;
using dump_format::PageRun;
using dump_format::RunContent;

Error contradiction(const char* what) {
  return Error::make(ErrorCode::corrupt, what);
}

// The stored structures have alignment 1, so they may be read in place.
template <class Prefix>
std::optional<Prefix> take_prefix(std::span<const std::byte>& payload) {
  if (payload.size() < sizeof(Prefix)) return std::nullopt;
  Prefix prefix;
  std::memcpy(&prefix, payload.data(), sizeof(prefix));
  payload = payload.subspan(sizeof(prefix));
  return prefix;
}

template <class Record>
std::span<const Record> records_in(std::span<const std::byte> bytes, std::size_t count) {
  static_assert(alignof(Record) == 1);
  return {reinterpret_cast<const Record*>(bytes.data()), count};
}

bool is_sane(const PageRun& run) {
  const auto content = static_cast<RunContent>(run.content);
  const bool known =
      content == RunContent::data || content == RunContent::zero || content == RunContent::unreadable;
  return known && run.pfn_count > 0 && run.first_pfn < kPfnEnd && run.pfn_count <= kPfnEnd - run.first_pfn;
}

}  // namespace

void PayloadDecoder::FreeContext::operator()(ZSTD_DCtx_s* context) const {
  ZSTD_freeDCtx(context);
}

PayloadDecoder::PayloadDecoder() = default;
PayloadDecoder::PayloadDecoder(PayloadDecoder&&) noexcept = default;
PayloadDecoder& PayloadDecoder::operator=(PayloadDecoder&&) noexcept = default;
PayloadDecoder::~PayloadDecoder() = default;

Result<std::span<const std::byte>> PayloadDecoder::decode(const dump_format::FrameHeader& header,
                                                          std::span<const std::byte> stored) {
  const std::size_t raw_size = header.raw_size;
  if (raw_size > dump_format::kFrameRawSizeMax) return contradiction("frame larger than the format allows");
  switch (static_cast<Codec>(std::uint16_t{header.codec})) {
    case Codec::stored:
      if (stored.size() != raw_size) return contradiction("frame has another size than its header says");
      return stored;
    case Codec::zstd:
      return expand(stored, raw_size, raw_);
    case Codec::lines:
      return decode_lines(stored, raw_size);
  }
  return Error::make(ErrorCode::unsupported, "frame compressed in a way this build does not know");
}

Result<std::span<const std::byte>> PayloadDecoder::expand(std::span<const std::byte> stored, std::size_t size,
                                                          std::vector<std::byte>& target) {
  const unsigned long long content_size = ZSTD_getFrameContentSize(stored.data(), stored.size());
  if (content_size != ZSTD_CONTENTSIZE_UNKNOWN && content_size != size) {
    return contradiction("frame has another size than its header says");
  }
  if (ZSTD_findFrameCompressedSize(stored.data(), stored.size()) != stored.size()) {
    return contradiction("frame payload is not one zstd frame");
  }
  if (!context_) context_.reset(ZSTD_createDCtx());
  if (!context_) return Error::make(ErrorCode::no_space, "no memory to decompress a frame");
  if (target.size() < size) target.resize(size);
  const std::size_t expanded =
      ZSTD_decompressDCtx(context_.get(), target.data(), size, stored.data(), stored.size());
  if (ZSTD_isError(expanded) || expanded != size) return contradiction("frame does not decompress");
  return std::span<const std::byte>(target).first(size);
}

Result<std::span<const std::byte>> PayloadDecoder::decode_lines(std::span<const std::byte> stored,
                                                                std::size_t raw_size) {
  const auto prefix = take_prefix<dump_format::LinesPrefix>(stored);
  if (!prefix) return contradiction("frame too short for its codec");
  const ByteCount noise_size = dump_format::kLineSize * ByteCount{prefix->noise_count};
  const ByteCount content_size = lines_content_size(*prefix, raw_size);
  if (noise_size > stored.size() || content_size > dump_format::kLinesContentMax) {
    return contradiction("lines of another size than their frame says");
  }
  const auto noise = stored.first(noise_size);
  const auto content = TRY(expand(stored.subspan(noise_size), content_size, content_));
  if (raw_.size() < raw_size) raw_.resize(raw_size);
  TRY(line_decoder_.decode(*prefix, noise, content, std::span(raw_).first(raw_size)));
  return std::span<const std::byte>(raw_).first(raw_size);
}

Result<BlobPiece> parse_blob(std::span<const std::byte> payload) {
  const auto prefix = take_prefix<dump_format::BlobPrefix>(payload);
  if (!prefix) return contradiction("blob frame too short");
  if (prefix->offset > prefix->total_size || payload.size() > prefix->total_size - prefix->offset) {
    return contradiction("piece lies outside of its blob");
  }
  const auto kind = static_cast<dump_format::BlobKind>(std::uint32_t{prefix->kind});
  return BlobPiece{kind, prefix->total_size, prefix->offset, payload};
}

Result<ClassMapPiece> parse_class_map(std::span<const std::byte> payload) {
  const auto prefix = take_prefix<dump_format::ClassMapPrefix>(payload);
  if (!prefix) return contradiction("class map frame too short");
  if (prefix->pfn_count == 0 || prefix->pfn_count != payload.size() || prefix->first_pfn >= kPfnEnd ||
      prefix->pfn_count > kPfnEnd - prefix->first_pfn) {
    return contradiction("class map contradicts its size");
  }
  return ClassMapPiece{prefix->first_pfn, payload};
}

Result<PagesPiece> parse_pages(std::span<const std::byte> payload) {
  const auto prefix = take_prefix<dump_format::PagesPrefix>(payload);
  if (!prefix) return contradiction("pages frame too short");
  const std::size_t run_count = prefix->run_count;
  if (run_count == 0 || run_count > dump_format::kRunsPerFrameMax ||
      payload.size() < run_count * sizeof(PageRun)) {
    return contradiction("pages frame with an impossible number of runs");
  }
  const auto runs = records_in<PageRun>(payload, run_count);
  payload = payload.subspan(runs.size_bytes());

  PageCount data_pages = 0;  // at most 2048 * 2^32: cannot overflow
  for (const PageRun& run : runs) {
    if (!is_sane(run)) return contradiction("pages frame with an impossible run");
    if (static_cast<RunContent>(run.content) == RunContent::data) data_pages += run.pfn_count;
  }
  if (data_pages * kPageSize != payload.size())
    return contradiction("pages frame with too few or many pages");
  return PagesPiece{runs, payload, prefix->phase};
}

Result<EndPiece> parse_end(std::span<const std::byte> payload) {
  const auto prefix = take_prefix<dump_format::EndPrefix>(payload);
  if (!prefix || prefix->class_count > payload.size() / sizeof(ClassTotals)) {
    return contradiction("end frame too short");
  }
  return EndPiece{*prefix, records_in<ClassTotals>(payload, prefix->class_count)};
}

}  // namespace warmdump
