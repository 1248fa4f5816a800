#include "recover/dump/dump_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "common/dump_format/dump_header.h"
#include "common/dump_format/dump_state.h"
#include "common/dump_format/frame.h"

namespace warmdump {

using dump_format::BlobKind;
using dump_format::DumpSeal;
using dump_format::FrameType;
using dump_format::PageRun;
using dump_format::RegionHeader;
using dump_format::RunContent;
using dump_format::State;

namespace {

// How far to look for a frame that tells the dump id when both headers are lost.
constexpr ByteCount kSalvageWindow = 64 * kMiB;

// A 4 TiB dump in frames of 256 KiB. More are refused, so that a hostile dump cannot take all memory.
constexpr std::size_t kFramesMax = std::size_t{1} << 24;

bool may_hold_frames(State state) {
  return dump_format::holds_dump(state) || state == State::recovered;
}

bool is_open_to_salvage(const Error& error) {
  return error.code == ErrorCode::corrupt || error.code == ErrorCode::not_found ||
         error.code == ErrorCode::io;
}

std::vector<PfnRange> ranges_of(const RunIndex& pages, const RunIndex& class_maps) {
  std::vector<Elf64_Phdr> segments;
  for (const RunIndex* index : {&pages, &class_maps}) {
    for (const IndexedRun& run : index->runs()) {
      Elf64_Phdr segment{};
      segment.p_paddr = run.first_pfn * kPageSize;
      segment.p_memsz = run.pfn_count * kPageSize;
      segments.push_back(segment);
    }
  }
  return pfn_ranges(segments);
}

}  // namespace

// Builds a reader in the order things are learnt: header, frames, then what the frames say together.
class DumpOpener {
 public:
  DumpOpener(const Device& region, std::span<const SealSecret> secrets) : secrets_(secrets) {
    dump_.region_ = &region;
  }

  Outcome<DumpReader> open() {
    TRY(learn_dump_id());
    dump_.damage_.scan =
        TRY(scan_frames(*dump_.region_, scan_target(), [this](const FrameLocation& frame, auto payload) {
          return take_frame(frame, payload);
        }));
    note_truncation();
    TRY(connect());
    return std::move(dump_);
  }

 private:
  Outcome<void> learn_dump_id() {
    alignas(4096) std::array<std::byte, dump_format::kHeaderSize> buffer;
    auto header = dump_format::read_header(*dump_.region_, buffer);
    if (header.has_value()) return take_header(*header);
    if (!is_open_to_salvage(header.error())) return Failure(header.error());
    auto frame = TRY(find_sealed_frame());
    if (!frame) frame = TRY(find_first_frame(*dump_.region_, kSalvageWindow));
    if (!frame) {
      return Failure(header.error()).in("no dump to be read here");
    }
    std::memcpy(dump_id_, frame->header.dump_id, sizeof(dump_id_));
    dump_.damage_.header_lost = true;
    return {};
  }

  // With headers lost, any frame that a known secret has sealed.
  Outcome<std::optional<FrameLocation>> find_sealed_frame() {
    if (secrets_.empty()) return std::optional<FrameLocation>();
    dump_.authenticity_ = Authenticity::unsealed;
    return find_first_frame(*dump_.region_, kSalvageWindow,
                            [this](const dump_format::FrameHeader& header, auto payload) {
                              for (const SealSecret& secret : secrets_) {
                                seal_ = DumpSeal(secret.secret, secret.boot_id, header.dump_id);
                                if (!seal_.matches(header, payload)) continue;
                                dump_.authenticity_ = Authenticity::sealed;
                                return true;
                              }
                              return false;
                            });
  }

  Outcome<void> check_seal(const RegionHeader& header) {
    if (secrets_.empty()) return {};
    const std::string_view boot_id = dump_format::sealed_boot_id(header);
    const SealSecret* secret = find_secret(secrets_, boot_id);
    if (secret == nullptr) {
      dump_.authenticity_ = boot_id.empty() ? Authenticity::unsealed : Authenticity::unknown_boot;
      return {};
    }
    seal_ = DumpSeal(secret->secret, boot_id, std::span(header.dump_id).first<8>());
    if (!seal_.matches(header)) {
      return Failure(ErrorCode::refused,
                     fmt::format("the dump claims to be of boot {}, and does not have its seal: it was not "
                                 "made by the crash kernel that was armed then",
                                 boot_id));
    }
    dump_.authenticity_ = Authenticity::sealed;
    return {};
  }

  Outcome<void> take_header(const RegionHeader& header) {
    const auto state = static_cast<State>(std::uint32_t{header.state});
    if (!may_hold_frames(state)) {
      return Failure(ErrorCode::not_found,
                     fmt::format("no dump here: the region is {}", dump_format::state_name(state)));
    }
    TRY(check_seal(header));
    dump_.header_ = header;
    std::memcpy(dump_id_, header.dump_id, sizeof(dump_id_));
    return {};
  }

  ByteCount region_end() const {
    const ByteCount device_size = dump_.region_->size();
    return dump_.header_ ? std::uint64_t{dump_.header_->region_size} : device_size;
  }

  ScanTarget scan_target() const {
    const ByteCount frames_end_max = region_end() - dump_format::kTailReserve;
    ScanTarget target{dump_id_, std::min(dump_.region_->size(), frames_end_max), 0, 0};
    if (dump_.header_) {
      target.frames_end_hint = dump_.header_->frames_end;
      target.frame_count_hint = dump_.header_->frame_count;
    } else {
      target.look_ahead = target.scan_end;
    }
    if (dump_.authenticity_ == Authenticity::sealed) target.seal = &seal_;
    return target;
  }

  void note_truncation() {
    ScanReport& scan = dump_.damage_.scan;
    const ByteCount device_size = dump_.region_->size();
    if (region_end() > device_size) scan.truncated_bytes = region_end() - device_size;
  }

  // A frame that contradicts itself is left out, like a damaged one: only reading errors end the scan.
  Outcome<void> take_frame(const FrameLocation& frame, std::span<const std::byte> stored) {
    const auto payload = buffers_.decoder.decode(frame.header, stored);
    const auto taken = payload ? take_payload(frame, *payload) : Result<void>(payload.error());
    if (!taken)
      ++(taken.error().code == ErrorCode::unsupported ? dump_.damage_.unknown_frames
                                                      : dump_.damage_.invalid_frames);
    return {};
  }

  Result<void> take_payload(const FrameLocation& frame, std::span<const std::byte> payload) {
    switch (static_cast<FrameType>(std::uint16_t{frame.header.type})) {
      case FrameType::blob:
        return dump_.blobs_.add(TRY(parse_blob(payload)));
      case FrameType::class_map:
        return take_class_map(frame, TRY(parse_class_map(payload)));
      case FrameType::pages:
        return take_pages(frame, TRY(parse_pages(payload)));
      case FrameType::end:
        return take_end(TRY(parse_end(payload)));
    }
    return Error::make(ErrorCode::unsupported, "frame of an unknown type");
  }

  static Error too_many() {
    return Error::make(ErrorCode::corrupt, "more frames or runs than any machine fills");
  }

  Result<std::uint32_t> remember(const FrameLocation& frame) {
    if (dump_.frames_.size() >= kFramesMax) return too_many();
    dump_.frames_.push_back(frame);
    return static_cast<std::uint32_t>(dump_.frames_.size() - 1);
  }

  Result<void> take_class_map(const FrameLocation& frame, const ClassMapPiece& map) {
    const auto count = static_cast<std::uint32_t>(map.class_bytes.size());
    if (!dump_.class_maps_.add({map.first_pfn, count, TRY(remember(frame)), 0, RunContent::data})) {
      return too_many();
    }
    return {};
  }

  Result<void> take_end(const EndPiece& end) {
    dump_.end_ = end.prefix;
    dump_.end_totals_.assign(end.totals.begin(), end.totals.end());
    return {};
  }

  void tally(const FrameLocation& frame, const PagesPiece& pages) {
    const bool is_known = pages.phase < dump_format::kPhaseCount;
    const std::uint32_t phase = is_known ? pages.phase : 0;
    auto entry = std::find_if(dump_.phases_.begin(), dump_.phases_.end(),
                              [phase](const PhaseTally& tally) { return tally.phase == phase; });
    if (entry == dump_.phases_.end())
      entry = dump_.phases_.insert(dump_.phases_.end(), PhaseTally{.phase = phase});
    ++entry->frames;
    entry->bytes += dump_format::frame_footprint(frame.header.stored_size);
    for (const PageRun& run : pages.runs) {
      switch (static_cast<RunContent>(run.content)) {
        case RunContent::data:
          entry->data += run.pfn_count;
          break;
        case RunContent::zero:
          entry->zero += run.pfn_count;
          break;
        case RunContent::unreadable:
          entry->unreadable += run.pfn_count;
          break;
      }
    }
  }

  Result<void> take_pages(const FrameLocation& frame, const PagesPiece& pages) {
    const std::uint32_t number = TRY(remember(frame));
    std::uint32_t position = 0;
    for (const PageRun& run : pages.runs) {
      const auto content = static_cast<RunContent>(run.content);
      if (!dump_.pages_.add({run.first_pfn, run.pfn_count, number, position, content})) return too_many();
      if (content == RunContent::data) position += run.pfn_count;
    }
    tally(frame, pages);
    return {};
  }

  Outcome<void> connect() {
    dump_.blobs_.finish();
    dump_.pages_.finish();
    dump_.class_maps_.finish();
    dump_.vmcoreinfo_ = Vmcoreinfo(dump_.blobs_.bytes(BlobKind::vmcoreinfo));
    // What is no page size at all is damage, and the capture took it for 4096 too.
    if (const auto page_size = dump_.vmcoreinfo_.page_size(); page_size && *page_size != kPageSize) {
      return Failure(ErrorCode::unsupported,
                     fmt::format("the dump is of a kernel with pages of {} bytes, only {} is supported",
                                 *page_size, kPageSize));
    }
    dump_.segments_ = load_segments(dump_.blobs_.bytes(BlobKind::elf_headers));
    dump_.memory_ =
        dump_.segments_.empty() ? ranges_of(dump_.pages_, dump_.class_maps_) : pfn_ranges(dump_.segments_);
    dump_.damage_.pages_outside = dump_.pages_.clip(dump_.memory_);
    dump_.class_maps_.clip(dump_.memory_);
    return {};
  }

  DumpReader dump_;
  std::span<const SealSecret> secrets_;
  DumpSeal seal_;
  unsigned char dump_id_[8] = {};
  DumpReader::FrameBuffers buffers_;
};

Outcome<DumpReader> DumpReader::open(const Device& region, std::span<const SealSecret> secrets) {
  return DumpOpener(region, secrets).open();
}

Outcome<std::span<const std::byte>> DumpReader::read_frame(std::uint32_t frame, FrameBuffers& buffers) const {
  const FrameLocation& location = frames_[frame];
  const std::string step = fmt::format("frame at region offset {:#x}", location.offset);
  buffers.stored.resize(location.header.stored_size);
  TRY(in_context(step, region_->read_at(location.offset + sizeof(dump_format::FrameHeader), buffers.stored)));
  TRY(in_context(step, dump_format::check_payload(location.header, buffers.stored)));
  return TRY(in_context(step, buffers.decoder.decode(location.header, buffers.stored)));
}

Outcome<std::span<const std::byte>> DumpReader::read_pages(std::uint32_t frame, FrameBuffers& buffers) const {
  const auto payload = TRY(read_frame(frame, buffers));
  return TRY(parse_pages(payload)).data;
}

Outcome<bool> PageReader::read(Pfn pfn, std::span<std::byte, kPageSize> page) {
  const IndexedRun* run = dump_.pages().find(pfn);
  if (run == nullptr || run->content == RunContent::unreadable) return false;
  if (run->content == RunContent::zero) {
    std::fill(page.begin(), page.end(), std::byte{0});
    return true;
  }
  if (frame_ != run->frame) {
    frame_.reset();
    data_ = TRY(dump_.read_pages(run->frame, buffers_));
    frame_ = run->frame;
  }
  const ByteCount offset = (run->position + (pfn - run->first_pfn)) * kPageSize;
  std::memcpy(page.data(), data_.data() + offset, kPageSize);
  return true;
}

}  // namespace warmdump
