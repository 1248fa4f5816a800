// The kdump-compressed file format ("KDUMP   "), version 6, as makedumpfile's IMPLEMENTATION document
// describes it and crash and libkdumpfile read it. x86-64 layout, blocks of 4096 bytes:
//
//   block 0            KdumpHeader
//   block 1 ...        KdumpSubHeader, the ELF notes right behind it
//   then               bitmap 1 (a bit a pfn: memory), bitmap 2 (a bit a pfn: in the file)
//   then               KdumpPageDescriptor of each page in the file, in pfn order, and the pages' bytes

#pragma once

#include <cstddef>

#include "common/little_endian.h"
#include "common/units.h"

namespace warmdump::kdump_format {

inline constexpr char kSignature[8] = {'K', 'D', 'U', 'M', 'P', ' ', ' ', ' '};
inline constexpr std::uint32_t kVersion = 6;
inline constexpr ByteCount kBlockSize = 4096;
inline constexpr std::size_t kNameSize = 65;

inline constexpr std::uint32_t kStatusIncomplete = 0x8;

struct KdumpHeader {
  char signature[8];
  le32 version;
  char names[6][kNameSize];  // as in struct new_utsname
  unsigned char padding1[6];
  le64 crash_time_s;  // struct timeval
  le64 crash_time_us;
  le32 status;
  le32 block_size;
  le32 sub_header_blocks;
  le32 bitmap_blocks;  // of both bitmaps
  le32 max_mapnr;      // low half; readers of version 6 take max_mapnr_64
  le32 total_ram_blocks;
  le32 device_blocks;
  le32 written_blocks;
  le32 current_cpu;
  le32 cpu_count;
};
static_assert(offsetof(KdumpHeader, crash_time_s) == 408 && offsetof(KdumpHeader, cpu_count) == 460);
static_assert(sizeof(KdumpHeader) == 464);

struct KdumpSubHeader {
  le64 phys_base;
  le32 dump_level;
  le32 split;
  le64 start_pfn;
  le64 end_pfn;
  le64 vmcoreinfo_offset;  // in the file
  le64 vmcoreinfo_size;
  le64 note_offset;  // in the file
  le64 note_size;
  le64 erase_info_offset;
  le64 erase_info_size;
  le64 start_pfn_64;
  le64 end_pfn_64;
  le64 max_mapnr_64;  // highest pfn of the machine, plus one
};
static_assert(sizeof(KdumpSubHeader) == 104);

struct KdumpPageDescriptor {
  le64 offset;      // of the page's bytes in the file
  le32 size;        // kBlockSize for flags 0
  le32 flags;       // how it is compressed
  le64 page_flags;  // unused
};
static_assert(sizeof(KdumpPageDescriptor) == 24);

inline KdumpPageDescriptor make_descriptor(ByteCount offset, std::size_t size, std::uint32_t flags) {
  KdumpPageDescriptor page{};
  page.offset = offset;
  page.size = static_cast<std::uint32_t>(size);
  page.flags = flags;
  return page;
}

}  // namespace warmdump::kdump_format
