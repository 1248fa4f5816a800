// DumpBuilder: makes regions with dumps for tests, frame by frame, also ones no capture would write.

#pragma once

#include <array>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/dump_format/dump_format.h"
#include "common/dump_format/frame_cipher.h"
#include "recover/dump/dump_authenticity.h"
#include "recover/dump/frame_payload.h"
#include "tests/support/memory_device.h"

namespace warmdump::test {

using Page = std::array<std::byte, kPageSize>;

// Content that no other pfn has, compressible as kernel memory is.
Page page_content(Pfn pfn);

struct Run {
  Pfn first_pfn;
  std::uint32_t pfn_count;
  dump_format::RunContent content;
};

class DumpBuilder {
 public:
  explicit DumpBuilder(ByteCount region_size = 16 * kMiB);

  // Seals header and frames; before the first frame.
  void seal_with(const SealSecret& secret);

  // Encrypts the frames that follow, behind one with the wrapped key; after seal_with().
  void encrypt_with(const dump_format::DumpEncryption& encryption, std::string_view boot_id);

  // Frames, in the order of these calls.
  void add_blob(dump_format::BlobKind kind, std::string_view bytes);
  void add_blob_piece(dump_format::BlobKind kind, ByteCount total_size, ByteCount offset,
                      std::string_view bytes);
  void add_class_map(Pfn first_pfn, std::span<const std::uint8_t> class_bytes);
  // Data runs get page_content(pfn).
  void add_pages(std::span<const Run> runs);
  // The same with other bytes than page_content, one string of pages for all data runs.
  void add_pages(std::span<const Run> runs, std::span<const std::byte> data);
  void add_end(dump_format::Completeness completeness = dump_format::Completeness::complete);
  // A payload as it is, with a good checksum; raw_size is only claimed.
  void add_frame(dump_format::FrameType type, dump_format::Codec codec, std::span<const std::byte> stored,
                 std::uint32_t raw_size);

  // The region: header written twice, in the state given, its counters as the frames are.
  MemoryDevice build(dump_format::State state = dump_format::State::complete);

  ByteCount frames_end() const { return frames_end_; }

  dump_format::RegionHeader header;                     // for tests that want other fields
  dump_format::Codec codec = dump_format::Codec::zstd;  // of the frames added next

 private:
  void add_payload(dump_format::FrameType type, std::string_view prefix, std::span<const std::byte> body);

  MemoryDevice device_;
  ByteCount frames_end_ = dump_format::kFramesOffset;
  std::uint64_t sequence_ = 0;
  dump_format::DumpSeal seal_;
  dump_format::FrameCipher cipher_;
  std::uint64_t cipher_number_ = 0;
};

// ELF headers of a vmcore with these PT_LOADs.
struct Segment {
  std::uint64_t virtual_address;
  std::uint64_t physical_address;
  std::uint64_t size;
};
std::string make_elf_headers(std::span<const Segment> segments);

// A dump of a small machine with everything in it: see SmallMachine in dump_builder.cc for its memory.
// `present` has every page in the dump with its bytes, `excluded` the pfns left out on purpose.
struct SmallMachine {
  DumpBuilder builder;
  std::map<Pfn, Page> present;
  std::vector<Pfn> excluded;
  std::string notes;
};
SmallMachine make_small_machine(dump_format::Codec codec = dump_format::Codec::zstd);

}  // namespace warmdump::test
