// The dump as it is stored on the region: every structure and number, nothing else.
// Described for people in docs/DUMP_FORMAT.md; a test compares the two. Change both in one commit.
//
// Numbers are never renumbered and never reused: dumps outlive the program that wrote them.
// Reserved bytes are written as zero and ignored when read.

#pragma once

#include <cstddef>
#include <cstdint>

#include "common/little_endian.h"
#include "common/units.h"

namespace warmdump::dump_format {

// Where things lie, as byte offsets from the start of the region.
//
// [0, 4K) stays zero: no boot sector, no file system signature. [4K, 8K) is where the kernel looks for DAX,
// PFN and BTT info blocks: the capture zeroes it first of all, so that the next boot sees a raw disk.
// [8K, 2M) is never handed to the system as RAM. The last 1 MiB is never written: GPT, md and ZFS look there.
inline constexpr ByteCount kInfoBlockOffset = 4 * kKiB;
inline constexpr ByteCount kHeaderOffset = 8 * kKiB;
inline constexpr ByteCount kHeaderCopyOffset = 1 * kMiB;
inline constexpr ByteCount kFramesOffset = 2 * kMiB;
inline constexpr ByteCount kTailReserve = 1 * kMiB;
inline constexpr ByteCount kRegionSizeMin = kFramesOffset + kTailReserve + 1 * kMiB;

// ---------------------------------------------------------------------------------------------------------
// Region header: 4096 bytes at kHeaderOffset and at kHeaderCopyOffset. The valid copy (magic, CRC) with the
// larger sequence counts. A writer updates the copies one after the other, so one is always whole.

inline constexpr unsigned char kRegionMagic[16] = {'w',  'a',  'r',  'm',  'd',  'u',  'm',  'p',
                                                   0x1a, 0xe3, 0x5b, 0x97, 0x0c, 0xd8, 0x41, 0xf6};
inline constexpr std::uint32_t kFormatVersion = 1;
inline constexpr ByteCount kHeaderSize = 4096;

// Compatible flags: a reader that does not know one of them still gives a right result.
inline constexpr std::uint32_t kCompatibleSealed = 1;  // boot_id, seal_tag and the tags of the frames are set

// Incompatible flags: a reader that does not know one of them must refuse the dump.
inline constexpr std::uint32_t kIncompatibleEncrypted = 1;  // cipher, key_id and wrapped_key are set
inline constexpr std::uint32_t kIncompatibleFlagsKnown = kIncompatibleEncrypted;

inline constexpr ByteCount kSealTagSize = 16;    // of a seal, see dump_seal.h
inline constexpr ByteCount kBootIdSizeMax = 40;  // of a boot id as text

inline constexpr ByteCount kKeyIdSize = 8;         // of a fleet key, see frame_cipher.h
inline constexpr ByteCount kWrappedKeySize = 128;  // what the fleet's private key opens

// Life of a region. The allowed moves are in common/dump_format/dump_state.h.
enum class State : std::uint32_t {
  empty = 1,      // formatted by recover, ready for a capture
  writing = 2,    // a capture is at work, or died at work
  complete = 3,   // every page that was to be kept is stored
  partial = 4,    // the capture ended in order, but something is missing: see completeness in the end frame
  recovered = 5,  // safe in the spool; about to be wiped
  cleared = 6,    // wiped; the header keeps the record of the last outcome; ready for a capture
};

// What the capture was doing, for the next boot to tell when it died there.
enum class Phase : std::uint32_t {
  none = 0,
  start = 1,         // header written, nothing else
  notes = 2,         // ELF headers, notes, VMCOREINFO, printk ring
  kernel_image = 3,  // kernel image and tables in one, as captures before 0.2 stored them
  kernel_pages = 4,  // slab, page tables, all other kernel memory
  struct_pages = 5,  // the memory map itself
  device_dumps = 6,  // vmcoredd notes
  user_pages = 7,    // page cache and user pages, where the dump level keeps them
  finished = 8,      // end frame written
  read_back = 9,     // before that: all frames are read back, damaged ones made again
  // In the order in which a capture goes through them. A phase of its own for a class: the region is tight.
  kernel_tables = 10,        // page tables of the kernel, section tables, node data, printk ring
  stacks = 11,               // stacks and tasks that the CPUs were at, interrupt and exception stacks
  kernel_data = 12,          // writable part of the kernel image
  per_cpu = 13,              // per-CPU areas
  modules = 14,              // kernel modules
  survey = 15,               // class maps of all memory
  kernel_constants = 16,     // read-only data of the kernel image
  kernel_text = 17,          // its text
  kernel_rest = 18,          // parts of it that the kernel has given to others, or does not map any more
  vmalloc = 19,              // memory mapped page by page, stacks of all tasks among it
  slab_pages = 20,           // kernel objects
  page_table_pages = 21,     // page tables, as far as they are known
  other_kernel_pages = 22,   // all other kernel memory
  used_struct_pages = 23,    // the part of the memory map that is about kept pages
  other_struct_pages = 24,   // the rest of it
  private_cache_pages = 25,  // page cache with private data
  cache_pages = 26,          // other page cache
  process_pages = 27,        // anonymous memory
  hugetlb_pages = 28,        // hugetlb
  free_pages = 29,           // free and unaccepted memory
};
inline constexpr std::uint32_t kPhaseCount = 30;

// What payloads are encrypted with. The tags of the frames are over what is stored.
enum class Cipher : std::uint32_t {
  none = 0,
  chacha20 = 1,  // ChaCha20 with a nonce of 64 bits, FrameHeader::cipher_number
};

struct RegionHeader {
  unsigned char magic[16];        // guards against reading something else as a dump
  le32 format_version;            // guards against a layout this build does not know
  le32 header_size;               // kHeaderSize
  le32 compatible_flags;          // may be ignored by a reader that does not know them
  le32 incompatible_flags;        // see kIncompatibleFlagsKnown
  le64 sequence;                  // grows with every write of the header; the larger one of two copies counts
  le64 region_start;              // physical address; guards against a moved region; 0 for a regular file
  le64 region_size;               // bytes; guards against a resized region
  unsigned char dump_id[16];      // random, fresh for every capture; frames repeat its first 8 bytes
  le32 state;                     // State
  le32 phase;                     // Phase
  le32 error_code;                // ErrorCode of what ended the capture early, 0 for none
  le32 system_errno;              // errno that went with it, 0 for none
  le64 frames_end;                // region offset behind the last flushed frame
  le64 frame_count;               // flushed frames
  le64 pages_data;                // pages stored with their bytes
  le64 pages_zero;                // pages stored as "all zero"
  le64 pages_excluded;            // pages left out by the dump level
  le64 pages_lost;                // pages that were to be kept but could not be read or did not fit
  le64 bytes_raw;                 // bytes of pages_data before compression
  le64 bytes_stored;              // bytes of all frames, headers and padding included
  le64 pfns_done;                 // progress: pfns handled in the current phase
  le64 pfns_total;                // progress: pfns to handle in the current phase
  le64 crash_time_s;              // seconds since 1970, from VMCOREINFO's CRASHTIME, 0 when unknown
  le64 elapsed_ms;                // from the start of the capture to this write
  le32 dump_level;                // makedumpfile's dump level, 0 to 31
  le32 captures_refused;          // later crashes that found this dump unrecovered and left it alone
  le64 frames_damaged;            // frames found damaged when they were read back, over all passes
  le64 frames_rewritten;          // of these, made again and stored
  le64 frames_unrepaired;         // frames that were damaged when the capture last looked
  le32 check_passes;              // times all frames were read back
  le32 headers_rewritten;         // times a finished header was found damaged and written again
  unsigned char error_text[128];  // what error_code means here, for people; zero-terminated
  le64 memory_total;              // bytes of memory that the crash kernel gave out, 0 when unknown
  le64 memory_free_min;           // least of them that the capture found free, 0 when unknown
  char boot_id[40];               // boot of the system that crashed, as text; zero when not sealed
  unsigned char seal_tag[16];     // seal of this header, zero for none
  le32 cipher;                    // Cipher
  unsigned char key_id[8];        // of the fleet key the dump is encrypted for, zero when it is not
  unsigned char wrapped_key[128];  // encryption key and secret of the boot, for who has the private key
  unsigned char reserved[3528];
  le32 header_crc;  // CRC32C of all bytes before
};

// ---------------------------------------------------------------------------------------------------------
// Image of a dump: the bytes of a region up to its last frame, with everything that is neither header nor
// frame as zero. It is read like a region; what it has more is this mark at offset 0, where a region is zero.

inline constexpr unsigned char kImageMagic[16] = {'w', 'a', 'r', 'm', 'd', 'u', 'm', 'p',
                                                  ' ', 'i', 'm', 'a', 'g', 'e', ' ', '1'};

struct ImageMark {
  unsigned char magic[16];          // kImageMagic
  le64 size;                        // bytes of the image: a shorter file was cut
  le64 frame_count;                 // frames in it
  unsigned char frames_digest[32];  // BLAKE2b-256 of offset (le64) and header of every frame, in their order
  unsigned char seal_tag[16];       // seal of this mark, zero for none
  unsigned char reserved[44];
  le32 mark_crc;  // CRC32C of all bytes before
};

// ---------------------------------------------------------------------------------------------------------
// Frames: from kFramesOffset on, one behind the other, each padded with zeros to kFrameAlignment. Nothing
// needed to read a frame comes after it, so every prefix of the frames is a usable dump. A reader that
// finds a damaged frame looks for the next valid frame header at the following multiples of kFrameAlignment.

inline constexpr std::uint32_t kFrameMagic = 0x9d5e'c3a7;
inline constexpr ByteCount kFrameAlignment = 64;
inline constexpr ByteCount kFrameRawSizeMax = 1 * kMiB + 64 * kKiB;  // of a payload before compression
inline constexpr ByteCount kFrameStoredSizeMax = kFrameRawSizeMax + 64 * kKiB;

enum class FrameType : std::uint16_t {
  blob = 1,       // BlobPrefix, then a piece of one named thing
  class_map = 2,  // ClassMapPrefix, then one ClassByte a pfn
  pages = 3,      // PagesPrefix, then PageRun records, then the bytes of all data runs in order
  end = 4,        // EndPrefix, then ClassTotals records; the last frame of a capture that ended in order
};

enum class Codec : std::uint16_t {
  stored = 0,  // payload as it is
  zstd = 1,    // payload is one zstd frame without dictionary (RFC 8878)
  lines = 2,   // payload is told line by line, each from an earlier line like it; see LinesPrefix
};

// Bit of FrameHeader::codec: the payload is encrypted, behind the codec.
inline constexpr std::uint16_t kCodecEncrypted = 0x8000;

struct FrameHeader {
  le32 magic;                // kFrameMagic
  le16 type;                 // FrameType
  le16 codec;                // Codec of the payload, and kCodecEncrypted
  le64 sequence;             // 0, 1, 2 ...; guards against misplaced and missing frames
  unsigned char dump_id[8];  // guards against frames of an older dump
  le32 stored_size;          // bytes of the payload that follow this header
  le32 raw_size;             // bytes of the payload after decompression
  unsigned char tag[16];     // seal of this frame, zero for none
  le64 cipher_number;        // nonce: another one for every payload encrypted in this dump, from 1; else 0
  le32 payload_crc;          // CRC32C of the stored payload
  le32 header_crc;           // CRC32C of all bytes of this header before
};

// ---------------------------------------------------------------------------------------------------------
// Codec `lines`. A line is 64 bytes, eight words; the first raw_size % 64 bytes of the payload belong to
// none. As stored: LinesPrefix, the noise lines, one zstd frame. The frame expands to, in this order: one
// mode a line, tags (le16), distances (le16), plain lines, words of 8, of 4, of 2 bytes, the first raw_size %
// 64 bytes.

inline constexpr ByteCount kLineSize = 64;
inline constexpr ByteCount kLinesContentMax = kFrameRawSizeMax / kLineSize * (kLineSize + 5) + kLineSize;

struct LinesPrefix {
  le32 tag_count;
  le32 distance_count;
  le32 plain_count;
  le32 noise_count;
  le32 word8_count;
  le32 word4_count;
  le32 word2_count;
  le32 reserved;
};

// The mode of a line without kLineCoded.
enum class LineMode : std::uint8_t {
  zeros = 0,  // all bytes zero
  same = 1,   // the line `distance` lines before
  plain = 2,  // the next of the plain lines
  noise = 3,  // the next of the noise lines
};

// The mode of a line with kLineCoded: a LineReference, a LineWidths, kLineTagsRepeat.
inline constexpr std::uint8_t kLineCoded = 0x80;
inline constexpr std::uint8_t kLineTagsRepeat = 0x10;  // tags of the reference line, none stored
inline constexpr std::uint8_t kLineWidthsShift = 2;

// What the words of a coded line are told from. `distance` is 1 before the first line that sets it.
enum class LineReference : std::uint8_t {
  zeros = 0,  // zeros
  last = 1,   // the line `distance` lines before
  next = 2,   // the next of the distances becomes `distance`, then as `last`
};

// Bytes of the narrow and the wide words of a coded line.
enum class LineWidths : std::uint8_t {
  two_four = 0,
  two_eight = 1,
  four_eight = 2,
};

// Two bits of a tag for each word, the first word in the lowest.
enum class WordTag : std::uint8_t {
  same = 0,    // the reference's word
  moved = 1,   // the reference's word + 64 * distance: a pointer into its own object
  narrow = 2,  // the reference's word + the next word of the narrow width, signed
  wide = 3,    // the reference's word + the next word of the wide width, signed
};

// ---------------------------------------------------------------------------------------------------------
// What payloads hold.

// Blobs are the few things that are not pages. A blob larger than a frame continues in further frames.
enum class BlobKind : std::uint32_t {
  capture_info = 1,  // text, "key=value" lines: what captured, of which boot
  elf_headers = 2,   // ELF header and all program headers of the vmcore
  elf_notes = 3,     // the PT_NOTE segment without vmcoredd notes
  vmcoreinfo = 4,    // text of the VMCOREINFO note
  printk_ring = 5,   // struct printk_ringbuffer, as it lay in memory
  printk_descs = 6,  // its descriptor array
  printk_infos = 7,  // its printk_info array
  printk_text = 8,   // its text data
  device_dumps = 9,  // the vmcoredd notes
  wrapped_key = 10,  // KeyBlob of an encrypted dump, itself not encrypted
};

struct BlobPrefix {
  le32 kind;  // BlobKind
  le32 reserved;
  le64 total_size;  // bytes of the whole blob
  le64 offset;      // of this piece in the blob
};

// What the region header says of the encryption, for dumps whose headers are lost.
struct KeyBlob {
  le32 cipher;  // Cipher
  le32 reserved;
  unsigned char key_id[8];
  unsigned char dump_id[16];
  char boot_id[40];
  unsigned char wrapped_key[128];
};

// Class maps say of every pfn of the vmcore what it was and whether the dump level keeps it.
struct ClassMapPrefix {
  le64 first_pfn;
  le32 pfn_count;
  le32 reserved;
};

// What a page was. The low five bits of a class byte.
enum class PageClass : std::uint8_t {
  absent = 0,         // no RAM there, or not part of the vmcore
  kernel = 1,         // in use, by the kernel as far as can be told
  free = 2,           // in the buddy allocator
  unaccepted = 3,     // not yet accepted memory of a confidential guest
  cache = 4,          // page cache without private data
  private_cache = 5,  // page cache with private data
  user = 6,           // anonymous memory
  hugetlb = 7,        // hugetlb, in use or in the pool
  hwpoison = 8,       // broken memory: never read, never kept
  offline = 9,        // logically offline (balloon, virtio-mem): never read, never kept
  slab = 10,          // kernel objects
  page_table = 11,    // page tables, where the kernel marks them or the capture walked them
  struct_page = 12,   // the memory map: pages that hold struct pages
  kernel_image = 13,  // text, data, bss of the kernel: always kept
  region = 14,        // the dump region itself: never read, never kept
  unknown = 15,       // its struct page could not be read, or says nothing (memory not online): kept
};
inline constexpr std::size_t kPageClassCount = 16;

inline constexpr std::uint8_t kClassMask = 0x1f;
inline constexpr std::uint8_t kClassKept = 0x80;  // set when the page is meant to be in the dump

struct PagesPrefix {
  le32 run_count;
  le32 phase;  // Phase that stored these pages; 0: written by a capture that did not tell
};

enum class RunContent : std::uint8_t {
  data = 1,        // page bytes follow behind the runs
  zero = 2,        // every page of the run is all zero
  unreadable = 3,  // the capture could not read these pages: lost
};

struct PageRun {
  le64 first_pfn;
  le32 pfn_count;
  std::uint8_t content;  // RunContent
  std::uint8_t reserved[3];
};
inline constexpr std::uint32_t kRunsPerFrameMax = 2048;

enum class Completeness : std::uint32_t {
  complete = 1,     // all that was to be kept is stored
  region_full = 2,  // ran out of space
  deadline = 3,     // ran out of time
  failed = 4,       // an error ended the capture; see error_code and system_errno of the region header
  unreadable = 5,   // reached the end, but some pages could not be read
  damaged = 6,      // reached the end, but frames were overwritten by others and could not be made again
};

struct EndPrefix {
  le32 completeness;  // Completeness
  le32 class_count;   // ClassTotals records that follow, index = PageClass
  le64 frame_count;   // frames before this one: truncation is known
  le64 elapsed_ms;
  le64 reserved;
};

struct ClassTotals {
  le64 pages;        // of this class in the vmcore
  le64 kept;         // meant to be in the dump
  le64 stored_data;  // stored with their bytes
  le64 stored_zero;  // stored as "all zero"
  le64 lost;         // kept - stored_data - stored_zero
};

static_assert(sizeof(RegionHeader) == kHeaderSize && alignof(RegionHeader) == 1);
static_assert(offsetof(RegionHeader, header_crc) == kHeaderSize - 4);
static_assert(sizeof(ImageMark) == 128 && alignof(ImageMark) == 1);
static_assert(sizeof(FrameHeader) == 64 && alignof(FrameHeader) == 1);
static_assert(offsetof(FrameHeader, header_crc) == 60);
static_assert(sizeof(KeyBlob) == 200);
static_assert(sizeof(BlobPrefix) == 24 && sizeof(ClassMapPrefix) == 16 && sizeof(PagesPrefix) == 8);
static_assert(sizeof(LinesPrefix) == 32);
static_assert(sizeof(PageRun) == 16 && sizeof(EndPrefix) == 32 && sizeof(ClassTotals) == 40);

}  // namespace warmdump::dump_format
