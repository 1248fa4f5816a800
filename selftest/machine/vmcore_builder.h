// build_vmcore: the /proc/vmcore of a synthetic crashed machine (recipe.h), and the truth about it.
//
// Everything a capture follows is really there: page tables from init_top_pgt, the direct map, mem_section,
// the memory map, the printk ring, notes, VMCOREINFO. What a page is, and whether a dump level keeps it,
// comes from the recipe's own statements, never from decoding a struct page.

#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/dump_format/dump_format.h"
#include "selftest/machine/recipe.h"
#include "selftest/machine/sparse_core.h"

namespace warmdump::synthetic {

// A value for every pfn, given for ranges; the later assignment wins.
template <class T>
class PfnMap {
 public:
  explicit PfnMap(T everywhere) { values_[0] = everywhere; }

  void assign(Pfn first, Pfn end, T value) {
    if (first >= end) return;
    const T behind = at(end);
    values_.erase(values_.lower_bound(first), values_.upper_bound(end));
    values_[first] = value;
    values_[end] = behind;
  }

  const T& at(Pfn pfn) const { return std::prev(values_.upper_bound(pfn))->second; }

  // First pfn of each run, with its value up to the next one.
  const std::map<Pfn, T>& runs() const { return values_; }

 private:
  std::map<Pfn, T> values_;
};

class VmcoreTruth {
 public:
  std::vector<LoadRange> loads;  // as in the program headers, kernel image first
  std::string vmcoreinfo;
  std::vector<std::byte> notes;    // the whole PT_NOTE segment
  std::vector<LogStatement> log;   // records a reader of the printk ring must find, oldest first
  std::vector<std::string> hints;  // "NAME=VALUE", as `warmdump arm` would leave them for the capture
  std::vector<Pfn> always_kept;    // whatever their struct pages say: node data, section tables, crash notes
  std::uint64_t phys_base = 0;     // modulo 2^64
  VirtualAddress page_offset = 0;
  VirtualAddress vmemmap_base = 0;
  PhysicalAddress page_table_root = 0;
  Pfn pfn_end = 0;  // behind the last page of RAM

  // What the recipe says of the page. Pages the builder made are page_table, struct_page or kernel.
  dump_format::PageClass page_class(Pfn pfn) const { return classes_.at(pfn); }
  const PfnMap<dump_format::PageClass>& classes() const { return classes_; }

  // Whether a dump of this level (makedumpfile -d) must have the page.
  bool is_kept(Pfn pfn, unsigned dump_level) const;

  // The 4096 bytes of a page of RAM, made anew for pages with contents by recipe. Error invalid: no RAM.
  Outcome<std::vector<std::byte>> page_bytes(Pfn pfn) const;

  VirtualAddress struct_page_address(Pfn pfn) const;

 private:
  friend class MachineBuilder;
  PfnMap<dump_format::PageClass> classes_{dump_format::PageClass::absent};
  PfnMap<std::size_t> contents_{0};  // index in content_statements_; 0: as in the file
  std::vector<ContentStatement> content_statements_ = {ContentStatement{{}, ContentKind::machine, {}}};
  std::map<Pfn, VirtualAddress> section_maps_;  // first pfn of a section -> its first struct page
  ByteCount struct_page_size_ = 64;
  std::shared_ptr<const SparseCore> core_;
};

// Writes the vmcore to `path`, replacing a file there; on failure a partial file may be left.
// Errors: invalid (the recipe contradicts itself; names the line), no_space (metadata too small), io.
Outcome<VmcoreTruth> build_vmcore(const Recipe& recipe, const std::string& path);

// The bytes of a page with given contents.
std::vector<std::byte> make_page(const ContentStatement& content, Pfn pfn);

}  // namespace warmdump::synthetic
