// DumpReader: a dump on a region, opened. Knows of every pfn whether the dump has it; everything that is
// made from a dump (files, summaries, tables) is made from this.
//
// Opening reads the whole region once and decodes every frame, so that everything the reader offers later
// is known to be readable; what is damaged is left out and accounted for in damage(). The bytes of a region
// may come from anybody: memory is bounded by RunIndex::kRunsMax, BlobStore::kBlobSizeMax and the 16 frames
// that FrameDecoding has under way at most.

#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "common/device.h"
#include "common/dump_format/dump_format.h"
#include "common/dump_format/frame_cipher.h"
#include "common/hosted/failure.h"
#include "common/hosted/fleet_key.h"
#include "common/kernel/vmcoreinfo.h"
#include "recover/dump/blob_store.h"
#include "recover/dump/dump_authenticity.h"
#include "recover/dump/elf_headers.h"
#include "recover/dump/frame_payload.h"
#include "recover/dump/frame_scan.h"
#include "recover/dump/run_index.h"

namespace warmdump {

// Damage beyond what the scan of frames sees.
struct DamageReport {
  ScanReport scan;
  bool header_lost = false;          // both region headers damaged; the dump id was taken from a frame
  std::uint64_t invalid_frames = 0;  // checksum fits, content contradicts itself: left out
  std::uint64_t unknown_frames = 0;  // of a type this build does not know: left out
  PageCount pages_outside = 0;       // pages of addresses the vmcore does not cover: left out

  bool any() const {
    return scan.damage_found() || header_lost || invalid_frames > 0 || unknown_frames > 0 ||
           pages_outside > 0;
  }
};

// What the pages frames of one phase of the capture hold.
struct PhaseTally {
  std::uint32_t phase = 0;  // dump_format::Phase, as stored; 0: the capture did not tell
  std::uint64_t frames = 0;
  PageCount data = 0;
  PageCount zero = 0;
  PageCount unreadable = 0;
  ByteCount bytes = 0;  // as stored, frame headers included
};

class DumpReader {
 public:
  // `region` is borrowed and must outlive the reader; nothing is written to it. With `secrets`, a dump that
  // is sealed with one of them is read as far as its seals are right; see authenticity() for what others are.
  // Errors: no_space (too small for a dump), not_found (no dump here; says what the region is), corrupt
  // (headers lost and no frames), refused (a header that claims the seal of a known boot and does not have
  // it), unsupported (newer format, other page size), no_permission (encrypted), io.
  static Outcome<DumpReader> open(const Device& region, std::span<const SealSecret> secrets = {});

  // The same of an encrypted dump, with the private key of the fleet it is encrypted for: the dump brings the
  // secret of its boot along, so it is read as far as its seals are right. Of a dump in clear: error invalid.
  // Error refused: for another key, changed, or its key is lost.
  static Outcome<DumpReader> open_encrypted(const Device& region, const FleetPrivateKey& key);

  // The fleet key it was encrypted for; empty: it was not.
  const std::string& key_id() const { return key_id_; }

  Authenticity authenticity() const { return authenticity_; }

  // With an encrypted dump: what its seals were checked with.
  std::span<const SealSecret> secrets() const { return secrets_; }

  // Empty when both copies are lost.
  const std::optional<dump_format::RegionHeader>& header() const { return header_; }
  const DamageReport& damage() const { return damage_; }

  // Empty when the capture did not end in order, or its last frame is lost.
  const std::optional<dump_format::EndPrefix>& end() const { return end_; }

  // What the end frame counted, by page class; empty without one.
  std::span<const dump_format::ClassTotals> end_totals() const { return end_totals_; }

  // Phases that stored pages, in their order.
  std::span<const PhaseTally> phases() const { return phases_; }

  const BlobStore& blobs() const { return blobs_; }
  const Vmcoreinfo& vmcoreinfo() const { return vmcoreinfo_; }

  // PT_LOAD headers of the vmcore; empty when they are lost.
  const std::vector<Elf64_Phdr>& segments() const { return segments_; }

  // The pfns the vmcore covers, sorted, joined; from class maps and pages when the segments are lost.
  std::span<const PfnRange> memory() const { return memory_; }
  Pfn pfn_end() const { return memory_.empty() ? 0 : memory_.back().end; }  // exclusive

  // Pages the dump has, or says it could not read.
  const RunIndex& pages() const { return pages_; }
  // Which frame has the class byte of a pfn.
  const RunIndex& class_maps() const { return class_maps_; }

  // The decoded payload of a frame an index names. `buffers` is one for each thread; the result lives until
  // its next use. Errors: io, corrupt (the region changed since it was opened).
  struct FrameBuffers {
    std::vector<std::byte> stored;
    PayloadDecoder decoder;
  };
  Outcome<std::span<const std::byte>> read_frame(std::uint32_t frame, FrameBuffers& buffers) const;
  // The same for a pages frame: the bytes of its data runs, in order.
  Outcome<std::span<const std::byte>> read_pages(std::uint32_t frame, FrameBuffers& buffers) const;

 private:
  friend class DumpOpener;
  DumpReader() = default;

  // The payload of a frame in clear and decompressed. `stored` may be that in `buffers`.
  Result<std::span<const std::byte>> decode(const dump_format::FrameHeader& header,
                                            std::span<const std::byte> stored, FrameBuffers& buffers) const;

  const Device* region_ = nullptr;
  dump_format::FrameCipher cipher_;
  std::string key_id_;
  std::vector<SealSecret> secrets_;  // of the dump's own
  Authenticity authenticity_ = Authenticity::unchecked;
  std::optional<dump_format::RegionHeader> header_;
  std::optional<dump_format::EndPrefix> end_;
  std::vector<dump_format::ClassTotals> end_totals_;
  std::vector<PhaseTally> phases_;
  DamageReport damage_;
  std::vector<FrameLocation> frames_;  // pages and class map frames
  BlobStore blobs_;
  Vmcoreinfo vmcoreinfo_;
  std::vector<Elf64_Phdr> segments_;
  std::vector<PfnRange> memory_;
  RunIndex pages_;
  RunIndex class_maps_;
};

// One page after the other, by pfn; keeps the last frame decoded. One for each thread.
class PageReader {
 public:
  // `dump` is borrowed.
  explicit PageReader(const DumpReader& dump) : dump_(dump) {}

  // Fills `page` when the dump has it (zero pages too) and says whether it does.
  Outcome<bool> read(Pfn pfn, std::span<std::byte, kPageSize> page);

 private:
  const DumpReader& dump_;
  DumpReader::FrameBuffers buffers_;
  std::optional<std::uint32_t> frame_;
  std::span<const std::byte> data_;
};

}  // namespace warmdump
