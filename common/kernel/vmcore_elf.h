// The ELF core file that /proc/vmcore is: which physical memory it holds and where its notes lie.
// Runs in the crash kernel: no heap, no exceptions.

#pragma once

#include <cstddef>
#include <span>

#include "common/device.h"
#include "common/result.h"
#include "common/units.h"

namespace warmdump {

// A piece of physical memory and its place in the vmcore. Edges may lie inside a page.
struct MemoryRange {
  PhysicalAddress start = 0;
  PhysicalAddress end = 0;    // exclusive
  ByteCount file_offset = 0;  // of `start`

  bool contains(PhysicalAddress address) const { return address >= start && address < end; }
};

// Sorted, non-overlapping memory ranges.
class MemoryRanges {
 public:
  // The kernel's own elfcorehdr has room for CONFIG_CRASH_MAX_MEMORY_RANGES, 8192 by default.
  static constexpr std::size_t kCountMax = 8192;

  // Adds the parts of `range` that no range covers yet. Error no_space beyond kCountMax ranges.
  Result<void> add_uncovered(MemoryRange range);

  // nullptr when `address` lies in no range.
  const MemoryRange* find(PhysicalAddress address) const;

  // Index of the first range that ends behind `address`; count() when there is none.
  std::size_t first_ending_after(PhysicalAddress address) const;

  std::size_t count() const { return count_; }
  const MemoryRange& operator[](std::size_t index) const { return ranges_[index]; }
  // First byte behind all ranges, 0 when there are none.
  PhysicalAddress end() const { return count_ == 0 ? 0 : ranges_[count_ - 1].end; }

 private:
  Result<void> insert(std::size_t index, const MemoryRange& range);

  MemoryRange ranges_[kCountMax];
  std::size_t count_ = 0;
};

struct VmcoreElf {
  static constexpr std::size_t kKernelImageRangesMax = 4;

  MemoryRanges memory;
  // PT_LOADs of the kernel's own mapping: text, data, bss. They overlap `memory`.
  MemoryRange kernel_image[kKernelImageRangesMax];
  std::size_t kernel_image_count = 0;
  ByteCount headers_size = 0;  // from the start of the file to the end of the program headers
  ByteCount notes_offset = 0;  // the one PT_NOTE segment of /proc/vmcore
  ByteCount notes_size = 0;
};

// Reads ELF and program headers. `elf` must be freshly constructed; large, keep it in static storage.
// Errors: invalid (not an ELF core file of x86_64), corrupt (headers point outside the file), no_space
// (more ranges than kCountMax), io.
Result<void> read_vmcore_elf(const Device& vmcore, VmcoreElf& elf);

// Where an ELF note lies, as file offsets.
struct NoteLocation {
  static constexpr std::size_t kNameMax = 16;

  unsigned type = 0;
  char name[kNameMax] = {};  // cut to kNameMax - 1
  ByteCount offset = 0;      // of the note's own header
  ByteCount size = 0;        // header, name, descriptor and padding
  ByteCount descriptor_offset = 0;
  ByteCount descriptor_size = 0;

  bool is(const char* expected_name, unsigned expected_type) const;
};

// Walks the notes in [offset, offset + size) of a file; stops at the first one that does not fit.
class NoteWalker {
 public:
  NoteWalker(const Device& file, ByteCount offset, ByteCount size)
      : file_(file), offset_(offset), end_(offset + size) {}
  // False at the end, where a note cannot be read, and behind kNotesMax notes: damaged ones may be many.
  bool next(NoteLocation& note);

  // One a CPU (8192 at most), VMCOREINFO, device dumps.
  static constexpr std::size_t kNotesMax = 16384;

 private:
  const Device& file_;
  ByteCount offset_;
  ByteCount end_;
  std::size_t count_ = 0;
};

inline constexpr unsigned kNoteTypeDeviceDump = 0x700;  // NT_VMCOREDD, name "LINUX"

}  // namespace warmdump
