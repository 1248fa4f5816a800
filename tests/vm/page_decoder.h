// PageDecoder: what every page of a vmcore was, decoded from the struct pages once more and by nothing of
// ours, so that a difference between two dumps can be explained instead of believed. It follows pointers
// where the product goes by alignment, and looks at every single page where the product skips blocks.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/vm/dump_file.h"

namespace warmdump::judge {

// What decides whether a dump level keeps a page; the order is of no meaning.
enum class Rule : std::uint8_t {
  absent,         // not in the vmcore
  no_map,         // in a section without a memory map, or its struct page is not mapped
  not_online,     // in a memory block that the system does not use: its struct page says nothing
  free,           //
  unaccepted,     //
  cache,          // and no private data
  private_cache,  //
  user,           //
  hugetlb,        //
  offline,        // balloons
  broken,         // must never be read
  kernel,         // everything else
};

struct PageFacts {
  Rule rule = Rule::absent;
  bool in_compound = false;
  bool is_tail = false;
  bool has_new_section_flag = false;  // one that came after Linux 6.14
  std::uint8_t kind = 0;              // index in PageDecoder::kinds()
};

class PageDecoder {
 public:
  // `vmcore` must outlive this object; `vmcoreinfo` is its VMCOREINFO text. Ends the program when that lacks
  // a key every kernel from 5.10 on has.
  PageDecoder(const DumpFile& vmcore, const std::string& vmcoreinfo);

  // Facts of every page below `pfn_end`.
  std::vector<PageFacts> decode(std::uint64_t pfn_end);

  // Names for people, finer than rules ("transparent huge page", "1 GiB hugetlb page, not in use" ...).
  const std::vector<std::string>& kinds() const { return kinds_; }

  // True when tail pages carry a mask instead of a pointer to their head (OFFSET(page.compound_info)).
  bool tails_have_masks() const { return tails_have_masks_; }

  static bool is_kept(Rule rule, unsigned dump_level);

 private:
  struct Section {
    std::uint64_t map = 0;  // address of the struct page of pfn 0, were it in this section
    std::uint64_t flags = 0;
  };
  using StructPage = std::vector<unsigned char>;

  std::optional<std::int64_t> key(const std::string& name) const;
  std::uint64_t need(const std::string& name) const;
  std::uint64_t flag(const std::string& name) const;

  std::optional<std::uint64_t> physical(std::uint64_t address);
  std::uint64_t table_entry(std::uint64_t table, std::uint64_t index);
  bool read(std::uint64_t address, void* target, std::size_t size);
  std::uint64_t word(std::uint64_t address);

  Section section(std::uint64_t number);
  std::optional<StructPage> struct_page(std::uint64_t pfn);
  std::uint64_t word_of(const StructPage& page, const char* field) const;
  bool is_type(const StructPage& page, const std::string& name, std::uint32_t newest) const;
  std::optional<std::uint64_t> head_of(std::uint64_t pfn, const StructPage& page);
  unsigned order_of(const StructPage& second) const;
  bool is_hugetlb(const StructPage& head, const StructPage& second) const;
  bool has_shared_struct_pages(std::uint64_t head, unsigned order);
  PageFacts facts_of_head(std::uint64_t head);
  PageFacts make(Rule rule, const std::string& kind);

  const DumpFile& vmcore_;
  std::map<std::string, std::string, std::less<>> lines_;
  std::map<std::string, std::uint64_t, std::less<>> field_offsets_;
  std::uint64_t root_table_ = 0;
  unsigned levels_ = 4;
  std::uint64_t encryption_mask_ = 0;
  std::uint64_t size_ = 0;  // of struct page
  bool tails_have_masks_ = false;
  bool online_is_told_ = false;
  std::map<std::uint64_t, Page> tables_;
  std::map<std::uint64_t, Section> sections_;
  std::map<std::uint64_t, PageFacts> heads_;  // facts of compound pages
  std::uint64_t cached_pfn_ = ~std::uint64_t{0};
  Page cached_page_{};
  std::vector<std::string> kinds_;
};

}  // namespace warmdump::judge
