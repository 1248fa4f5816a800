#include "selftest/machine/vmcore_builder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <set>

#include "selftest/machine/notes.h"
#include "selftest/machine/page_tables.h"
#include "selftest/machine/printk_ring.h"
#include "selftest/machine/struct_pages.h"

namespace warmdump::synthetic {

using dump_format::PageClass;

namespace {

// arch/x86/include/asm/page_64_types.h, pgtable_64_types.h
constexpr VirtualAddress kKernelMap = 0xffff'ffff'8000'0000;
constexpr VirtualAddress kPageOffset4 = 0xffff'8880'0000'0000;
constexpr VirtualAddress kPageOffset5 = 0xff11'0000'0000'0000;
constexpr VirtualAddress kVmemmap4 = 0xffff'ea00'0000'0000;
constexpr VirtualAddress kVmemmap5 = 0xffd4'0000'0000'0000;
constexpr unsigned kPhysicalBits4 = 46;
constexpr unsigned kPhysicalBits5 = 52;
constexpr std::uint64_t kSectionFlagsUsual = 0xf;  // present, has a memory map, online, early
constexpr std::size_t kUtsnameField = 65;
constexpr std::uint64_t kNodesLength = 64;

// Hands out a physical range: large blocks from its start, single pages from its end.
class PhysicalRange {
 public:
  explicit PhysicalRange(ByteRange range) : low_(range.start), high_(range.end) {}

  Outcome<PhysicalAddress> take(ByteCount size, ByteCount alignment) {
    const PhysicalAddress start = round_up(low_, alignment);
    if (start + size > high_) return full();
    low_ = start + size;
    return start;
  }

  Outcome<PhysicalAddress> take_page() {
    if (high_ < low_ + kPageSize) return full();
    high_ -= kPageSize;
    return high_;
  }

 private:
  static Failure full() {
    return Failure(ErrorCode::no_space,
                   "recipe: kernel_image or metadata is too small for what it must hold");
  }

  PhysicalAddress low_;
  PhysicalAddress high_;
};

}  // namespace

class MachineBuilder {
 public:
  MachineBuilder(const Recipe& recipe, StructPages struct_pages)
      : recipe_(recipe),
        struct_pages_(std::move(struct_pages)),
        image_({recipe.kernel_image.start + kMiB, recipe.kernel_image.end}),
        metadata_(recipe.metadata),
        root_(recipe.kernel_image.start + kMiB),
        tables_(recipe.levels, recipe.sme_mask, root_, [this] { return metadata_.take_page(); }) {
    truth_.phys_base = recipe.phys_base();
    truth_.page_table_root = root_;
    truth_.page_offset = recipe.page_offset != 0 ? recipe.page_offset
                         : recipe.levels == 5    ? kPageOffset5
                                                 : kPageOffset4;
    truth_.vmemmap_base = recipe.vmemmap_base != 0 ? recipe.vmemmap_base
                          : recipe.levels == 5     ? kVmemmap5
                                                   : kVmemmap4;
    truth_.struct_page_size_ = recipe.struct_page_size;
  }

  Outcome<VmcoreTruth> build(const std::string& path) {
    TRY(image_.take(kPageSize, kPageSize));  // the root table
    TRY(map_kernel_and_ram());
    TRY(place_memory_map());
    TRY(place_mem_section());
    TRY(place_printk_ring());
    TRY(place_utsname());
    TRY(place_node_data());
    TRY(place_per_cpu_areas());
    finish_vmcoreinfo();
    truth_.notes = make_notes(recipe_, truth_.vmcoreinfo, image_address(recipe_.kernel_image.start),
                              direct_address(recipe_.metadata.start));
    TRY(describe_pages());
    truth_.core_ =
        std::make_shared<const SparseCore>(TRY(SparseCore::create(path, truth_.notes, truth_.loads)));
    TRY(write_contents());
    TRY(write_machine());
    return std::move(truth_);
  }

 private:
  VirtualAddress image_address(PhysicalAddress address) const {
    return kKernelMap + (address - truth_.phys_base);
  }
  VirtualAddress direct_address(PhysicalAddress address) const { return truth_.page_offset + address; }

  void put(PhysicalAddress address, std::span<const std::byte> bytes) {
    pieces_.push_back({address, {bytes.begin(), bytes.end()}});
  }

  void add_line(std::string_view key, std::string_view value) {
    if (std::find(recipe_.omit.begin(), recipe_.omit.end(), key) != recipe_.omit.end()) return;
    truth_.vmcoreinfo += fmt::format("{}={}\n", key, value);
  }
  void add_symbol(std::string_view name, VirtualAddress address) {
    add_line(fmt::format("SYMBOL({})", name), fmt::format("{:x}", address));
  }
  void add_number(std::string_view key, std::uint64_t value) {
    add_line(key, fmt::format("{}", static_cast<std::int64_t>(value)));
  }

  Outcome<void> map_kernel_and_ram() {
    const ByteRange image = recipe_.kernel_image;
    TRY(tables_.map_range(image_address(image.start), image.start,
                          round_up(image.end - image.start, kHugePageSize)));
    std::vector<ByteRange> ram = recipe_.ram;
    std::sort(ram.begin(), ram.end(), [](ByteRange a, ByteRange b) { return a.start < b.start; });
    truth_.loads.push_back({image_address(image.start), image.start, image.end - image.start, 0});
    PhysicalAddress mapped_end = 0;
    for (const ByteRange& range : ram) {
      truth_.loads.push_back({direct_address(range.start), range.start, range.end - range.start, 0});
      const PhysicalAddress start = std::max(mapped_end, round_down(range.start, kPageSize));
      mapped_end = std::max(mapped_end, round_up(range.end, kPageSize));
      TRY(tables_.map_range(direct_address(start), start, mapped_end - start));
      for (Pfn section = start / section_bytes(); section * section_bytes() < mapped_end; ++section) {
        sections_.insert(section);
      }
    }
    truth_.pfn_end = mapped_end / kPageSize;
    return {};
  }

  ByteCount section_bytes() const { return ByteCount{1} << recipe_.section_size_bits; }
  ByteCount section_map_bytes() const { return recipe_.pages_per_section() * recipe_.struct_page_size; }

  Outcome<void> place_memory_map() {
    for (const Pfn section : sections_) {
      const Pfn first = section * recipe_.pages_per_section();
      if (recipe_.memory_model == MemoryModel::classic) {
        const PhysicalAddress map = TRY(metadata_.take(round_up(section_map_bytes(), kPageSize), kPageSize));
        truth_.section_maps_[first] = direct_address(map);
        continue;
      }
      truth_.section_maps_[first] = truth_.vmemmap_base + first * recipe_.struct_page_size;
      TRY(place_vmemmap_blocks(first));
    }
    if (recipe_.memory_model == MemoryModel::classic) return {};
    TRY(split_vmemmap());
    for (const auto& [address, block] : vmemmap_blocks_) TRY(map_vmemmap_block(address, block));
    return {};
  }

  // Physical memory for the 2 MiB blocks of virtual memory map that this section's struct pages touch.
  Outcome<void> place_vmemmap_blocks(Pfn first) {
    const VirtualAddress start = truth_.section_maps_.at(first);
    const VirtualAddress end = start + section_map_bytes();
    const bool is_one_block = start % kHugePageSize == 0 && section_map_bytes() == kHugePageSize;
    const std::string signature = recipe_.share_struct_pages && is_one_block
                                      ? struct_pages_.signature(first, recipe_.pages_per_section())
                                      : "";
    const auto shared = shared_blocks_.find(signature);
    if (!signature.empty() && shared != shared_blocks_.end()) {
      vmemmap_blocks_[start] = shared->second;
      copies_.insert(first);
      return {};
    }
    for (VirtualAddress address = round_down(start, kHugePageSize); address < end; address += kHugePageSize) {
      if (vmemmap_blocks_.contains(address)) continue;
      vmemmap_blocks_[address] = TRY(metadata_.take(kHugePageSize, kHugePageSize));
    }
    if (!signature.empty()) shared_blocks_[signature] = vmemmap_blocks_.at(start);
    return {};
  }

  VirtualAddress vmemmap_address(Pfn pfn) const {
    return truth_.vmemmap_base + pfn * recipe_.struct_page_size;
  }

  // Physical address of a page of the memory map before any remapping.
  PhysicalAddress vmemmap_page(VirtualAddress address) const {
    return vmemmap_blocks_.at(round_down(address, kHugePageSize)) + address % kHugePageSize;
  }

  // Fills split_blocks_ and remapped_pages_ from the recipe.
  Outcome<void> split_vmemmap() {
    const auto split = [this](const PageRange& pages) {
      const VirtualAddress end = vmemmap_address(pages.end());
      for (VirtualAddress address = round_down(vmemmap_address(pages.first), kHugePageSize); address < end;
           address += kHugePageSize) {
        split_blocks_.insert(address);
      }
    };
    for (const PageRange& pages : recipe_.struct_pages_by_4k) split(pages);
    for (const PageStatement& statement : recipe_.pages) {
      if (statement.kind == PageKind::no_struct_page) {
        split(statement.pages);
        TRY(remap(statement, statement.pages, std::nullopt));
      } else if (statement.hugetlb_vmemmap != HugetlbVmemmap::full) {
        split(statement.pages);
        TRY(remap_tails(statement));
      }
    }
    return {};
  }

  Outcome<void> remap(const PageStatement& statement, const PageRange& pages,
                      std::optional<PhysicalAddress> target) {
    const VirtualAddress start = vmemmap_address(pages.first);
    const VirtualAddress end = vmemmap_address(pages.end());
    if ((start | end) % kPageSize != 0) {
      return Failure(ErrorCode::invalid,
                     fmt::format("recipe line {}: its struct pages are not whole pages of "
                                 "memory map",
                                 statement.line));
    }
    for (VirtualAddress address = start; address < end; address += kPageSize)
      remapped_pages_[address] = target;
    return {};
  }

  Outcome<void> remap_tails(const PageStatement& statement) {
    const PageCount block = PageCount{1} << statement.order;
    const PageCount in_first_page = kPageSize / recipe_.struct_page_size;
    for (Pfn head = statement.pages.first; head < statement.pages.end(); head += block) {
      PhysicalAddress target = vmemmap_page(vmemmap_address(head));
      if (statement.hugetlb_vmemmap == HugetlbVmemmap::shared_tails)
        target = TRY(make_shared_tails(statement.order));
      TRY(remap(statement, {head + in_first_page, block - in_first_page}, target));
    }
    return {};
  }

  Outcome<PhysicalAddress> make_shared_tails(unsigned order) {
    const PhysicalAddress page = TRY(metadata_.take_page());
    std::vector<std::byte> bytes(kPageSize);
    for (ByteCount at = 0; at + recipe_.struct_page_size <= kPageSize; at += recipe_.struct_page_size) {
      struct_pages_.encode_shared_tail(order, std::span(bytes).subspan(at, recipe_.struct_page_size));
    }
    put(page, bytes);
    extra_map_pages_.push_back(page);
    return page;
  }

  Outcome<void> map_vmemmap_block(VirtualAddress address, PhysicalAddress block) {
    if (!split_blocks_.contains(address)) return tables_.map(address, block, kHugePageSize);
    for (ByteCount at = 0; at < kHugePageSize; at += kPageSize) {
      const auto remapped = remapped_pages_.find(address + at);
      const auto target = remapped == remapped_pages_.end() ? std::optional(block + at) : remapped->second;
      if (target) TRY(tables_.map(address + at, *target, kPageSize));
    }
    return {};
  }

  std::uint64_t section_flags(Pfn first) const {
    std::uint64_t flags = kSectionFlagsUsual;
    for (const SectionFlagsStatement& statement : recipe_.section_flags) {
      if (first >= statement.pages.first && first < statement.pages.end()) flags = statement.flags;
    }
    return flags;
  }

  Outcome<void> place_mem_section() {
    const unsigned physical_bits = recipe_.levels == 5 ? kPhysicalBits5 : kPhysicalBits4;
    const std::uint64_t section_count = std::uint64_t{1} << (physical_bits - recipe_.section_size_bits);
    const std::uint64_t per_root = recipe_.mem_section_extreme ? kPageSize / recipe_.mem_section_size : 1;
    const std::uint64_t root_count = (section_count + per_root - 1) / per_root;
    const ByteCount array_size =
        recipe_.mem_section_extreme ? root_count * 8 : section_count * recipe_.mem_section_size;
    const PhysicalAddress array = TRY(metadata_.take(array_size, kPageSize));
    keep_always(array, array_size);

    std::map<std::uint64_t, PhysicalAddress> roots;
    for (const Pfn section : sections_) {
      PhysicalAddress place = array + section * recipe_.mem_section_size;
      if (recipe_.mem_section_extreme) {
        const std::uint64_t root = section / per_root;
        if (!roots.contains(root)) {
          roots[root] = TRY(metadata_.take_page());
          put_word(array + root * 8, direct_address(roots[root]));
          keep_always(roots[root], kPageSize);
        }
        place = roots[root] + section % per_root * recipe_.mem_section_size;
      }
      const Pfn first = section * recipe_.pages_per_section();
      const std::uint64_t coded = truth_.section_maps_.at(first) - first * recipe_.struct_page_size;
      put_word(place, coded | section_flags(first));
    }
    add_symbol("mem_section", direct_address(array));
    add_number("LENGTH(mem_section)", root_count);
    add_number("SIZE(mem_section)", recipe_.mem_section_size);
    add_number("OFFSET(mem_section.section_mem_map)", 0);
    add_number("NUMBER(SECTION_SIZE_BITS)", recipe_.section_size_bits);
    add_number("NUMBER(MAX_PHYSMEM_BITS)", physical_bits);
    add_number("SIZE(page)", recipe_.struct_page_size);
    if (recipe_.memory_model == MemoryModel::vmemmap) add_symbol("vmemmap", truth_.vmemmap_base);
    return {};
  }

  void put_word(PhysicalAddress address, std::uint64_t word) {
    put(address, std::as_bytes(std::span(&word, 1)));
  }

  Outcome<void> place_printk_ring() {
    const auto take = [this](ByteCount size) { return image_.take(size, 64); };
    const PhysicalAddress pointer = TRY(take(8));
    const PhysicalAddress clear_seq = TRY(take(24));
    const PhysicalAddress ring_place = TRY(take(PrintkRing::ring_size()));
    const PhysicalAddress descs = TRY(take(PrintkRing::descs_size(recipe_)));
    const PhysicalAddress infos = TRY(take(PrintkRing::infos_size(recipe_)));
    const PhysicalAddress text = TRY(take(PrintkRing::text_size(recipe_)));
    const PrintkRing ring =
        make_printk_ring(recipe_, {image_address(descs), image_address(infos), image_address(text)});
    put_word(pointer, image_address(ring_place));
    put(clear_seq, std::vector<std::byte>(24));
    put(ring_place, ring.ring);
    put(descs, ring.descs);
    put(infos, ring.infos);
    put(text, ring.text);
    truth_.log = ring.readable;
    add_symbol("prb", image_address(pointer));
    add_symbol("printk_rb_static", image_address(ring_place));
    add_symbol("clear_seq", image_address(clear_seq));
    for (const std::string& line : PrintkRing::vmcoreinfo_lines()) {
      const std::size_t equals = line.find('=');
      add_line(line.substr(0, equals), line.substr(equals + 1));
    }
    return {};
  }

  // Without OFFSET(uts_namespace.name) the name stands behind a reference count, as in 5.10.
  Outcome<void> place_utsname() {
    std::string release = "0.0.0";
    ByteCount name_offset = 4;
    for (const std::string& line : recipe_.vmcoreinfo) {
      if (line.starts_with("OSRELEASE=")) release = line.substr(10);
      if (line == "OFFSET(uts_namespace.name)=0") name_offset = 0;
    }
    std::vector<std::byte> bytes(name_offset + 6 * kUtsnameField);
    const std::string fields[] = {"Linux", "synthetic", release, "#1 SMP", "x86_64", "(none)"};
    for (std::size_t i = 0; i < std::size(fields); ++i) {
      std::memcpy(bytes.data() + name_offset + i * kUtsnameField, fields[i].data(),
                  std::min(fields[i].size(), kUtsnameField - 1));
    }
    const PhysicalAddress place = TRY(image_.take(bytes.size(), 64));
    put(place, bytes);
    add_symbol("init_uts_ns", image_address(place));
    return {};
  }

  void keep_always(PhysicalAddress address, ByteCount size) {
    for (Pfn pfn = address / kPageSize; pfn * kPageSize < address + size; ++pfn)
      truth_.always_kept.push_back(pfn);
  }

  Outcome<void> place_node_data() {
    const PhysicalAddress array = TRY(image_.take(kNodesLength * 8, 64));
    const PhysicalAddress node = TRY(metadata_.take_page());
    put_word(array, direct_address(node));
    keep_always(node, kPageSize);
    add_symbol("node_data", image_address(array));
    add_number("LENGTH(node_data)", kNodesLength);
    add_number("SIZE(pglist_data)", kPageSize);
    return {};
  }

  // One page for each CPU; its crash note lies in it. Only the hints lead there.
  Outcome<void> place_per_cpu_areas() {
    constexpr VirtualAddress kNotesOffset = 0x200;
    const PhysicalAddress offsets = TRY(image_.take(recipe_.cpus * ByteCount{8}, 64));
    const PhysicalAddress notes = TRY(image_.take(8, 64));
    put_word(notes, kNotesOffset);
    for (unsigned cpu = 0; cpu < recipe_.cpus; ++cpu) {
      const PhysicalAddress area = TRY(metadata_.take_page());
      put_word(offsets + cpu * ByteCount{8}, direct_address(area));
      keep_always(area, kPageSize);
    }
    truth_.hints = {fmt::format("per_cpu_offset={:#x}", image_address(offsets)), "per_cpu_start=0",
                    fmt::format("per_cpu_end={:#x}", kPageSize),
                    fmt::format("crash_notes={:#x}", image_address(notes)),
                    fmt::format("cpu_count={}", recipe_.cpus)};
    return {};
  }

  void finish_vmcoreinfo() {
    add_number("PAGESIZE", kPageSize);
    add_symbol("swapper_pg_dir", image_address(root_));
    add_symbol("init_top_pgt", image_address(root_));
    add_symbol("_stext", image_address(recipe_.kernel_image.start));
    add_number("NUMBER(phys_base)", truth_.phys_base);
    add_number("NUMBER(pgtable_l5_enabled)", recipe_.levels == 5 ? 1 : 0);
    add_line("KERNELOFFSET", fmt::format("{:x}", recipe_.kernel_offset));
    add_number("NUMBER(KERNEL_IMAGE_SIZE)", kGiB);
    add_number("NUMBER(sme_mask)", recipe_.sme_mask);
    std::string given;
    for (const std::string& line : recipe_.vmcoreinfo) given += line + "\n";
    truth_.vmcoreinfo = given + truth_.vmcoreinfo;
  }

  Outcome<void> describe_pages() {
    PfnMap<PageClass>& classes = truth_.classes_;
    for (const ByteRange& range : recipe_.ram) {
      classes.assign(range.start / kPageSize, round_up(range.end, kPageSize) / kPageSize, PageClass::kernel);
    }
    for (const PageStatement& statement : recipe_.pages) {
      TRY(require_ram(statement));
      classes.assign(statement.pages.first, statement.pages.end(), statement.expected);
    }
    for (const auto& [address, block] : vmemmap_blocks_) {
      classes.assign(block / kPageSize, (block + kHugePageSize) / kPageSize, PageClass::struct_page);
    }
    if (recipe_.memory_model == MemoryModel::classic) {
      for (const auto& [first, map] : truth_.section_maps_) {
        const Pfn map_pfn = (map - truth_.page_offset) / kPageSize;
        classes.assign(map_pfn, map_pfn + round_up(section_map_bytes(), kPageSize) / kPageSize,
                       PageClass::struct_page);
      }
    }
    for (const PhysicalAddress page : extra_map_pages_) {
      classes.assign(page / kPageSize, page / kPageSize + 1, PageClass::struct_page);
    }
    for (const auto& [table, entries] : tables_.tables()) {
      classes.assign(table / kPageSize, table / kPageSize + 1, PageClass::page_table);
    }
    classes.assign(recipe_.kernel_image.start / kPageSize,
                   round_up(recipe_.kernel_image.end, kPageSize) / kPageSize, PageClass::kernel_image);
    return {};
  }

  Outcome<void> require_ram(const PageStatement& statement) const {
    for (auto run = truth_.classes_.runs().begin(); run != truth_.classes_.runs().end(); ++run) {
      const auto next = std::next(run);
      const Pfn end = next == truth_.classes_.runs().end() ? ~Pfn{0} : next->first;
      if (run->second == PageClass::absent && statement.pages.first < end &&
          run->first < statement.pages.end()) {
        return Failure(ErrorCode::invalid,
                       fmt::format("recipe line {}: not all of these pages are RAM", statement.line));
      }
    }
    return {};
  }

  Outcome<void> write_contents() {
    std::vector<ContentStatement>& statements = truth_.content_statements_;
    statements.push_back({{0, truth_.pfn_end}, ContentKind::zero, {}});
    statements.insert(statements.end(), recipe_.content.begin(), recipe_.content.end());
    for (std::size_t i = 1; i < statements.size(); ++i) {
      truth_.contents_.assign(statements[i].pages.first, statements[i].pages.end(), i);
    }
    const auto& runs = truth_.contents_.runs();
    for (auto run = runs.begin(); std::next(run) != runs.end(); ++run) {
      if (statements[run->second].kind == ContentKind::zero || run->second == 0) continue;
      for (Pfn pfn = run->first; pfn < std::next(run)->first; ++pfn) {
        if (truth_.page_class(pfn) == PageClass::absent) continue;
        TRY(truth_.core_->write(pfn * kPageSize, make_page(statements[run->second], pfn)));
      }
    }
    return {};
  }

  Outcome<void> write_machine_bytes(PhysicalAddress address, std::span<const std::byte> bytes) {
    truth_.contents_.assign(address / kPageSize, round_up(address + bytes.size(), kPageSize) / kPageSize, 0);
    return truth_.core_->write(address, bytes);
  }

  Outcome<void> write_machine() {
    TRY(write_struct_pages());
    for (const auto& [table, entries] : tables_.tables()) {
      TRY(write_machine_bytes(table, std::as_bytes(std::span(entries))));
    }
    for (const auto& [address, bytes] : pieces_) TRY(write_machine_bytes(address, bytes));
    return {};
  }

  Outcome<void> write_struct_pages() {
    std::vector<std::byte> bytes(section_map_bytes());
    for (const auto& [first, map] : truth_.section_maps_) {
      if (copies_.contains(first)) continue;
      struct_pages_.encode(first, map, bytes);
      if (recipe_.memory_model == MemoryModel::classic) {
        TRY(write_machine_bytes(map - truth_.page_offset, bytes));
        continue;
      }
      for (ByteCount at = 0; at < bytes.size();) {
        const ByteCount size = std::min(bytes.size() - at, kHugePageSize - (map + at) % kHugePageSize);
        TRY(write_machine_bytes(vmemmap_page(map + at), std::span(bytes).subspan(at, size)));
        at += size;
      }
    }
    return {};
  }

  const Recipe& recipe_;
  StructPages struct_pages_;
  PhysicalRange image_;
  PhysicalRange metadata_;
  PhysicalAddress root_;
  PageTables tables_;
  VmcoreTruth truth_;
  std::set<std::uint64_t> sections_;
  std::map<VirtualAddress, PhysicalAddress> vmemmap_blocks_;  // 2 MiB each
  std::map<std::string, PhysicalAddress> shared_blocks_;
  std::set<Pfn> copies_;  // sections whose struct pages an earlier section has written
  std::set<VirtualAddress> split_blocks_;
  std::map<VirtualAddress, std::optional<PhysicalAddress>> remapped_pages_;  // nothing: not present
  std::vector<PhysicalAddress> extra_map_pages_;
  std::vector<std::pair<PhysicalAddress, std::vector<std::byte>>> pieces_;
};

Outcome<VmcoreTruth> build_vmcore(const Recipe& recipe, const std::string& path) {
  return MachineBuilder(recipe, TRY(StructPages::make(recipe))).build(path);
}

}  // namespace warmdump::synthetic
