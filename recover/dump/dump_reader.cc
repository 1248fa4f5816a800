#include "recover/dump/dump_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <thread>

#include "common/dump_format/frame.h"
#include "recover/dump/encrypted_reader.h"
#include "recover/dump/frame_decoding.h"
#include "recover/dump/located_dump.h"

namespace warmdump {

using dump_format::BlobKind;
using dump_format::PageRun;
using dump_format::RunContent;

namespace {

// A 4 TiB dump in frames of 256 KiB. More are refused, so that a hostile dump cannot take all memory.
constexpr std::size_t kFramesMax = std::size_t{1} << 24;

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
  explicit DumpOpener(const Device& region) { dump_.region_ = &region; }

  Outcome<DumpReader> open(std::span<const SealSecret> secrets) {
    const LocatedDump located = TRY(locate_dump(*dump_.region_, secrets));
    if (located.is_encrypted) {
      return Failure(ErrorCode::no_permission,
                     fmt::format("the dump is encrypted for fleet key {}; `warmdump decrypt` opens it where "
                                 "the private key is",
                                 located.wrapped_key ? located.key_id() : "unknown"));
    }
    return read(located);
  }

  Outcome<DumpReader> open_encrypted(const KeyUnwrapper& unwrap) {
    const LocatedDump found = TRY(locate_dump(*dump_.region_, {}));
    if (!found.is_encrypted) return Failure(ErrorCode::invalid, "the dump is not encrypted");
    if (!found.wrapped_key) {
      return Failure(ErrorCode::refused,
                     "the dump has lost the key that it is encrypted with: both copies of "
                     "its header are damaged, and the frame that holds it too");
    }
    const UnwrappedKeys keys = TRY(unwrap(*found.wrapped_key));
    const std::string_view boot_id(found.wrapped_key->boot_id, sizeof(found.wrapped_key->boot_id));
    dump_.secrets_ = {
        {.boot_id = std::string(boot_id.substr(0, boot_id.find('\0'))), .secret = keys.boot_secret.bytes()}};
    const LocatedDump located = TRY(locate_dump(*dump_.region_, dump_.secrets_));
    if (located.authenticity != Authenticity::sealed || !located.wrapped_key) {
      return Failure(ErrorCode::refused, "the dump does not have the seal of its boot: it was changed");
    }
    dump_.cipher_ = dump_format::FrameCipher(keys.encryption_key.bytes(), located.wrapped_key->dump_id);
    dump_.key_id_ = found.key_id();
    return read(located);
  }

 private:
  Outcome<DumpReader> read(const LocatedDump& located) {
    dump_.authenticity_ = located.authenticity;
    dump_.header_ = located.header;
    dump_.damage_.header_lost = !located.header;
    FrameDecoding decoding(
        std::thread::hardware_concurrency(), [this] { return make_decode(); },
        [this](const FrameLocation& frame, const auto& content) { take_frame(frame, content); });
    dump_.damage_.scan =
        TRY(scan_frames(*dump_.region_, located.scan_target(*dump_.region_),
                        [&decoding](const FrameLocation& frame, auto stored) -> Outcome<void> {
                          decoding.add(frame, stored);
                          return {};
                        }));
    decoding.finish();
    dump_.damage_.scan.truncated_bytes = located.missing_bytes(*dump_.region_);
    TRY(connect());
    return std::move(dump_);
  }

  FrameDecoding::Decode make_decode() const {
    return [this, buffers = std::make_shared<DumpReader::FrameBuffers>()](
               const dump_format::FrameHeader& header, auto stored) -> Result<FrameContent> {
      return content_of(header, TRY(dump_.decode(header, stored, *buffers)));
    };
  }

  // A frame that contradicts itself is left out, like a damaged one: only reading errors end the scan.
  void take_frame(const FrameLocation& frame, const Result<FrameContent>& content) {
    const auto taken = content ? std::visit([&](const auto& piece) { return take(frame, piece); }, *content)
                               : Result<void>(content.error());
    if (!taken)
      ++(taken.error().code == ErrorCode::unsupported ? dump_.damage_.unknown_frames
                                                      : dump_.damage_.invalid_frames);
  }

  Result<void> take(const FrameLocation&, const BlobContent& blob) {
    return dump_.blobs_.add({blob.kind, blob.total_size, blob.offset, blob.bytes});
  }

  static Error too_many() {
    return Error::make(ErrorCode::corrupt, "more frames or runs than any machine fills");
  }

  Result<std::uint32_t> remember(const FrameLocation& frame) {
    if (dump_.frames_.size() >= kFramesMax) return too_many();
    dump_.frames_.push_back(frame);
    return static_cast<std::uint32_t>(dump_.frames_.size() - 1);
  }

  Result<void> take(const FrameLocation& frame, const ClassMapContent& map) {
    if (!dump_.class_maps_.add({map.first_pfn, map.pfn_count, TRY(remember(frame)), 0, RunContent::data})) {
      return too_many();
    }
    return {};
  }

  Result<void> take(const FrameLocation&, const EndContent& end) {
    dump_.end_ = end.prefix;
    dump_.end_totals_ = end.totals;
    return {};
  }

  void tally(const FrameLocation& frame, const PagesContent& pages) {
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

  Result<void> take(const FrameLocation& frame, const PagesContent& pages) {
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
};

Outcome<DumpReader> DumpReader::open(const Device& region, std::span<const SealSecret> secrets) {
  return DumpOpener(region).open(secrets);
}

Outcome<DumpReader> DumpReader::open_encrypted(const Device& region, const FleetPrivateKey& key) {
  return open_encrypted_dump(
      region, [&key](const dump_format::KeyBlob& wrapped) { return unwrap_key(wrapped, key); });
}

Outcome<DumpReader> open_encrypted_dump(const Device& region, const KeyUnwrapper& unwrap) {
  return DumpOpener(region).open_encrypted(unwrap);
}

Result<std::span<const std::byte>> DumpReader::decode(const dump_format::FrameHeader& header,
                                                      std::span<const std::byte> stored,
                                                      FrameBuffers& buffers) const {
  if (!dump_format::is_encrypted(header)) return buffers.decoder.decode(header, stored);
  if (stored.data() != buffers.stored.data()) buffers.stored.assign(stored.begin(), stored.end());
  dump_format::FrameHeader clear = header;
  clear.codec = static_cast<std::uint16_t>(header.codec & ~dump_format::kCodecEncrypted);
  cipher_.apply(header.cipher_number, buffers.stored);
  return buffers.decoder.decode(clear, buffers.stored);
}

Outcome<std::span<const std::byte>> DumpReader::read_frame(std::uint32_t frame, FrameBuffers& buffers) const {
  const FrameLocation& location = frames_[frame];
  const std::string step = fmt::format("frame at region offset {:#x}", location.offset);
  buffers.stored.resize(location.header.stored_size);
  TRY(in_context(step, region_->read_at(location.offset + sizeof(dump_format::FrameHeader), buffers.stored)));
  TRY(in_context(step, dump_format::check_payload(location.header, buffers.stored)));
  return TRY(in_context(step, decode(location.header, buffers.stored, buffers)));
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
