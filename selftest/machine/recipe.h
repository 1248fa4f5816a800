// Recipe: a crashed x86_64 machine in a few lines of text, from which build_vmcore (vmcore_builder.h) makes
// the bytes of its /proc/vmcore and says what a capture must find there.
//
// One statement a line; `#` after white space starts a comment (not in `vmcoreinfo`, `layout` and `log`).
// Numbers are decimal or 0x hexadecimal, with an optional K, M, G or T. Byte ranges are START..END (END
// excluded), page ranges FIRST+COUNT in pfns.
//
//   levels 4|5                  paging levels (4)
//   kernel_image START..END     physical range of the kernel, START a multiple of 2 MiB; must lie in RAM
//   kernel_offset BYTES         KASLR slide of the kernel's virtual address, multiple of 2 MiB (0);
//                               phys_base follows from both and may be negative
//   page_offset VA              start of the direct map (the un-randomised one of `levels`)
//   vmemmap_base VA             start of the memory map, vmemmap model only (likewise)
//   sme_mask BITS               encryption bit of page table entries (0)
//   memory_model vmemmap|classic            where struct pages live (vmemmap)
//   mem_section extreme|flat                two levels or one array (extreme)
//   mem_section_size BYTES      sizeof(struct mem_section) (16)
//   section_size_bits N         (27)
//   struct_page_size BYTES      sizeof(struct page) (64)
//   compound page1_bytes|page1_flags|page1_flags_typed   how page[1] tells order and hugetlb (page1_bytes)
//   tails pointer|mask          what a tail page's compound word holds (pointer)
//   ram START..END              one System RAM range, one PT_LOAD; may start or end inside a page
//   metadata START..END         free RAM the builder may fill with page tables, struct pages, mem_section
//   share_struct_pages          sections whose struct pages are alike are mapped to one copy: machines of
//                               terabytes in a few megabytes of file
//   cpus N                      CPUs that left a PRSTATUS note (1)
//   device_dump NAME BYTES      one vmcoredd note
//   printk_ring DESC_BITS TEXT_BITS          sizes of the printk ring (8 13)
//   log SECONDS LEVEL [@CALLER] [!STATE] TEXT   one printk record; CALLER as T12 or C0; STATE reserved,
//                               committed or finalized (finalized)
//   vmcoreinfo LINE             a line of VMCOREINFO, word for word
//   layout LINE                 the same, for the builder alone: the kernel has it but does not tell
//   omit KEY                    leaves out a line the builder would write, for example SYMBOL(vmemmap)
//   section_flags PAGES BITS    low bits of section_mem_map of these sections (0xf)
//   struct_pages_by_4k PAGES    maps their struct pages with 4 KiB instead of 2 MiB pages
//   content PAGES zero|pattern|random|bytes HEX   page contents (zero); bytes are repeated
//   page PAGES KIND [order=N] [hvo|hvo_shared] [FIELD=VALUE] [+FLAG] [-FLAG] -> CLASS [near CLASS]
//                               struct pages, and what a capture must take them for. Blocks of 2^order pages.
//                               FIELD: flags refcount mapping mapcount private compound; changes the
//                               first page of each block. FLAG: a name for which NUMBER(FLAG) is given.
//                               near: a page that only just is not of that class, by one value or flag
//   patch PAGES [FIELD=VALUE] [+FLAG] [-FLAG] -> CLASS [near CLASS]
//                               changes single struct pages of an earlier statement
//
// Pages no statement names are kernel memory. The table of KINDs is in recipe.cc.

#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/dump_format/dump_format.h"
#include "common/hosted/failure.h"
#include "common/units.h"

namespace warmdump::synthetic {

struct ByteRange {
  PhysicalAddress start = 0;
  PhysicalAddress end = 0;  // excluded
};

struct PageRange {
  Pfn first = 0;
  PageCount count = 0;

  Pfn end() const { return first + count; }
};

enum class PageKind {
  kernel,
  free,
  slab,
  anon,
  cache,
  private_cache,
  swap_cache,
  hugetlb,
  compound,
  offline,
  hwpoison,
  page_table,
  unaccepted,
  tail,
  poisoned,
  zeroed,
  garbage,
  no_struct_page,
  patch,
};

enum class HugetlbVmemmap { full, fake_heads, shared_tails };

struct PageStatement {
  PageRange pages;
  PageKind kind = PageKind::kernel;
  unsigned order = 0;
  HugetlbVmemmap hugetlb_vmemmap = HugetlbVmemmap::full;
  std::map<std::string, std::uint64_t> fields;
  std::vector<std::string> flags_set;
  std::vector<std::string> flags_cleared;
  dump_format::PageClass expected = dump_format::PageClass::kernel;
  std::optional<dump_format::PageClass> near;
  std::size_t line = 0;
};

enum class ContentKind { zero, pattern, random, bytes, machine };

struct ContentStatement {
  PageRange pages;
  ContentKind kind = ContentKind::zero;
  std::vector<std::byte> bytes;
};

struct SectionFlagsStatement {
  PageRange pages;
  std::uint64_t flags = 0;
};

enum class LogState : std::uint64_t { reserved = 0, committed = 1, finalized = 2 };

struct LogStatement {
  std::uint64_t time_ns = 0;
  std::uint8_t level = 6;
  std::uint32_t caller_id = 0;  // bit 31: a CPU, else a thread
  LogState state = LogState::finalized;
  std::string text;
};

struct DeviceDumpStatement {
  std::string name;
  ByteCount size = 0;
};

enum class MemoryModel { vmemmap, classic };
enum class CompoundStyle { page1_bytes, page1_flags, page1_flags_typed };
enum class TailStyle { pointer, mask };

struct Recipe {
  unsigned levels = 4;
  ByteRange kernel_image;
  std::uint64_t kernel_offset = 0;
  VirtualAddress page_offset = 0;   // 0: the un-randomised one
  VirtualAddress vmemmap_base = 0;  // 0: the un-randomised one
  std::uint64_t sme_mask = 0;
  MemoryModel memory_model = MemoryModel::vmemmap;
  bool mem_section_extreme = true;
  ByteCount mem_section_size = 16;
  unsigned section_size_bits = 27;
  ByteCount struct_page_size = 64;
  CompoundStyle compound = CompoundStyle::page1_bytes;
  TailStyle tails = TailStyle::pointer;
  std::vector<ByteRange> ram;
  ByteRange metadata;
  bool share_struct_pages = false;
  unsigned cpus = 1;
  std::vector<DeviceDumpStatement> device_dumps;
  unsigned printk_desc_bits = 8;
  unsigned printk_text_bits = 13;
  std::vector<LogStatement> log;
  std::vector<std::string> vmcoreinfo;
  std::vector<std::string> layout;
  std::vector<std::string> omit;
  std::vector<SectionFlagsStatement> section_flags;
  std::vector<PageRange> struct_pages_by_4k;
  std::vector<ContentStatement> content;
  std::vector<PageStatement> pages;

  // Errors: invalid, naming the line and what it should have been.
  static Outcome<Recipe> parse(std::string_view text);
  static Outcome<Recipe> load(const std::string& path);

  std::uint64_t phys_base() const { return kernel_image.start - 0x100'0000 - kernel_offset; }  // modulo 2^64
  PageCount pages_per_section() const { return PageCount{1} << (section_size_bits - 12); }
};

}  // namespace warmdump::synthetic
