#include "capture/pages/priority_locator.h"

#include <algorithm>
#include <cstring>

#include "capture/crashed_machine/printk_ring.h"

namespace warmdump {
namespace {

constexpr std::uint64_t kNodesMax = 1024;
constexpr std::uint64_t kCpusMax = 8192;
constexpr unsigned kLastLevelTablesMax = 8192;

// include/uapi/linux/elfcore.h, struct elf_prstatus: pr_reg is an array of 27 registers.
constexpr unsigned kNotePrstatus = 1;
constexpr ByteCount kRegistersOffset = 112;
constexpr std::size_t kRegisterCount = 27;
constexpr std::size_t kRegisterRsp = 19;
// Those that hold no address of data: orig_rax, rip, segments, flags.
constexpr std::uint32_t kRegistersWithoutPointer =
    1U << 15 | 1U << 16 | 1U << 17 | 1U << 18 | 1U << 19 | 1U << 23 | 1U << 24 | 1U << 25 | 1U << 26;

// A task's stack is 16 KiB, 32 KiB with KASAN, aligned to its size (arch/x86/include/asm/page_64_types.h).
constexpr ByteCount kStackSize = 16 * kKiB;
constexpr ByteCount kTaskSize = 16 * kKiB;      // struct task_struct, with room for more
constexpr std::size_t kTaskWordsSearched = 16;  // task_struct.stack is one of its first words
constexpr ByteCount kPointedSize = 8 * kKiB;    // what a register points to
constexpr ByteCount kPerCpuAreaMax = kMiB;      // of one CPU
constexpr ByteCount kPerCpuDynamicSize =
    64 * kKiB;  // behind the static part: PERCPU_DYNAMIC_RESERVE, modules
constexpr ByteCount kPerCpuGuess = 256 * kKiB;

// Documentation/arch/x86/x86_64/mm.rst
constexpr VirtualAddress kCpuEntryAreaFirst = 0xffff'fe00'0000'0000;
constexpr VirtualAddress kCpuEntryAreaLast = 0xffff'fe7f'ffff'ffff;
constexpr VirtualAddress kModulesLast = 0xffff'ffff'feff'ffff;
constexpr ByteCount kKernelImageSizeDefault = kGiB;
constexpr ByteCount kVmallocSize4 = ByteCount{32} << 40;
constexpr ByteCount kVmallocSize5 = ByteCount{12800} << 40;

// Of the whole direct map and everything above it; the user's half is walked by nobody.
constexpr VirtualAddress kAddressLast = ~VirtualAddress{0};

}  // namespace

void PriorityLocator::locate() {
  locate_tables();
  locate_nodes();
  locate_printk_ring();
  locate_kernel_image();
  locate_registers();
  locate_exception_stacks();
  locate_per_cpu_areas();
  locate_tasks();
  locate_modules();
  locate_vmalloc();
  pages_.finish();
}

void PriorityLocator::add_memory(Pfn first, Pfn end, Phase phase, Rule rule) {
  // A corrupt entry may name any address: only real memory counts.
  for (std::size_t i = elf_.memory.first_ending_after(first * kPageSize); i < elf_.memory.count(); ++i) {
    const MemoryRange& range = elf_.memory[i];
    const Pfn from = std::max(first, range.start / kPageSize);
    const Pfn to = std::min(end, round_up(range.end, kPageSize) / kPageSize);
    if (from >= to) return;
    pages_.add(from, to, phase, rule);
  }
}

void PriorityLocator::add_mapped(VirtualAddress address, ByteCount length, Phase phase, Rule rule) {
  for (ByteCount done = 0; done < length;) {
    const auto mapping = kernel_.page_tables->translate(address + done);
    const ByteCount rest = length - done;
    if (!mapping.has_value()) {
      done += std::min(rest, kPageSize - (address + done) % kPageSize);
      continue;
    }
    const ByteCount step = std::min(mapping->length, rest);
    add_memory(mapping->address / kPageSize, (mapping->address + step - 1) / kPageSize + 1, phase, rule);
    done += step;
  }
}

void PriorityLocator::add_leaves(VirtualAddress first, VirtualAddress last, Phase phase) {
  const auto all = [](Pfn, int) { return true; };
  kernel_.page_tables->walk(
      first, last, PageTables::Depth::leaves, all, [this, phase](const PageTables::Leaf& leaf) {
        // What is mapped in large pieces is data by the gigabyte, hash tables for example.
        if (leaf.size > kPageSize) return;
        add_memory(leaf.address / kPageSize, leaf.address / kPageSize + 1, phase, Rule::kept_by_class);
      });
}

std::span<const MemoryRange> PriorityLocator::image() const {
  return {elf_.kernel_image, elf_.kernel_image_count};
}

bool PriorityLocator::is_image(PhysicalAddress address) const {
  return std::ranges::any_of(image(),
                             [address](const MemoryRange& range) { return range.contains(address); });
}

VirtualAddress PriorityLocator::read_pointer(VirtualAddress address) {
  VirtualAddress value = 0;
  const auto target = std::as_writable_bytes(std::span(&value, 1));
  return kernel_.page_tables->read(address, target).has_value() ? value : 0;
}

void PriorityLocator::locate_tables() {
  PageTables& tables = *kernel_.page_tables;
  add_memory(tables.root() / kPageSize, tables.root() / kPageSize + 1, Phase::kernel_tables, Rule::always);
  unsigned last_level_left = kLastLevelTablesMax;
  const auto add_table = [this, &last_level_left](Pfn pfn, int level) {
    if (level == 0 && (last_level_left == 0 || --last_level_left == 0)) return true;
    add_memory(pfn, pfn + 1, Phase::kernel_tables, Rule::always);
    return true;
  };
  tables.walk(tables.kernel_half(), kAddressLast, PageTables::Depth::upper_tables, add_table,
              [](const PageTables::Leaf&) {});
  if (!kernel_.mem_map) return;
  kernel_.mem_map->for_each_table([this](VirtualAddress address, ByteCount length) {
    add_mapped(address, length, Phase::kernel_tables, Rule::always);
  });
}

void PriorityLocator::locate_nodes() {
  const auto nodes = kernel_.info.symbol("node_data");
  const auto count = kernel_.info.length("node_data");
  const auto size = kernel_.info.size("pglist_data");
  if (!nodes || !count || !size) return;
  for (std::uint64_t node = 0; node < std::min(*count, kNodesMax); ++node) {
    const VirtualAddress address = read_pointer(*nodes + node * sizeof(VirtualAddress));
    if (address == 0) continue;
    add_mapped(address, std::min<ByteCount>(*size, kMiB), Phase::kernel_tables, Rule::always);
  }
}

void PriorityLocator::locate_printk_ring() {
  const auto ring = find_printk_ring(kernel_.info, *kernel_.page_tables);
  if (!ring.has_value()) return;
  for (const PrintkRing::Piece& piece : ring->pieces) {
    add_mapped(piece.address, piece.size, Phase::kernel_tables, Rule::always);
  }
}

void PriorityLocator::locate_kernel_image() {
  const std::int64_t stated_size = kernel_.info.number("KERNEL_IMAGE_SIZE").value_or(0);
  const ByteCount size = stated_size > 0 && static_cast<ByteCount>(stated_size) < 2 * kGiB - kMiB
                             ? static_cast<ByteCount>(stated_size)
                             : kKernelImageSizeDefault;
  kernel_.page_tables->walk(
      kKernelMapStart, kKernelMapStart + size - 1, PageTables::Depth::leaves, [](Pfn, int) { return true; },
      [this](const PageTables::Leaf& leaf) {
        const Phase phase = leaf.writable     ? Phase::kernel_data
                            : leaf.executable ? Phase::kernel_text
                                              : Phase::kernel_constants;
        // A large leaf goes on behind the end of the image, over pages that are anybody's.
        for (const MemoryRange& range : image()) {
          const PhysicalAddress start = std::max(range.start, leaf.address);
          const PhysicalAddress end = std::min(range.end, leaf.address + leaf.size);
          if (start >= end) continue;
          add_memory(start / kPageSize, round_up(end, kPageSize) / kPageSize, phase, Rule::always);
        }
      });
  for (const MemoryRange& range : image()) {
    add_memory(range.start / kPageSize, round_up(range.end, kPageSize) / kPageSize, Phase::kernel_rest,
               Rule::always);
  }
}

void PriorityLocator::locate_registers() {
  NoteWalker notes(vmcore_, elf_.notes_offset, elf_.notes_size);
  std::uint64_t cpus = 0;
  for (NoteLocation note; cpus < kCpusMax && notes.next(note);) {
    std::uint64_t registers[kRegisterCount];
    if (!note.is("CORE", kNotePrstatus)) continue;
    if (note.descriptor_size < kRegistersOffset + sizeof(registers)) continue;
    if (!vmcore_
             .read_at(note.descriptor_offset + kRegistersOffset, std::as_writable_bytes(std::span(registers)))
             .has_value()) {
      continue;
    }
    ++cpus;
    const VirtualAddress stack = round_down(registers[kRegisterRsp], kStackSize);
    if (stack >= kernel_.page_tables->kernel_half())
      add_mapped(stack - kStackSize, 3 * kStackSize, Phase::stacks, Rule::kept_by_class);
    for (std::size_t i = 0; i < kRegisterCount; ++i) {
      const bool is_pointer =
          (kRegistersWithoutPointer >> i & 1) == 0 && registers[i] >= kernel_.page_tables->kernel_half();
      const bool is_error_number = registers[i] > kAddressLast - 2 * kPageSize;
      if (!is_pointer || is_error_number) continue;
      add_mapped(round_down(registers[i], kPageSize), kPointedSize, Phase::stacks, Rule::kept_by_class);
    }
  }
}

void PriorityLocator::locate_exception_stacks() {
  // Descriptor tables, entry and exception stacks. Where they are not part of the image they are pages of the
  // per-CPU areas, whose page-aligned variables come first.
  const auto all = [](Pfn, int) { return true; };
  kernel_.page_tables->walk(kCpuEntryAreaFirst, kCpuEntryAreaLast, PageTables::Depth::leaves, all,
                            [this](const PageTables::Leaf& leaf) {
                              const Pfn first = leaf.address / kPageSize;
                              const Pfn end = first + leaf.size / kPageSize;
                              add_memory(first, end, Phase::stacks, Rule::kept_by_class);
                              if (hints_.per_cpu_offset != 0 || is_image(leaf.address)) return;
                              add_memory(first, first + kPerCpuGuess / kPageSize, Phase::per_cpu,
                                         Rule::kept_by_class);
                            });
}

std::uint64_t PriorityLocator::cpu_count() {
  if (hints_.cpu_count != 0) return std::min(hints_.cpu_count, kCpusMax);
  std::uint64_t count = 0;
  NoteWalker notes(vmcore_, elf_.notes_offset, elf_.notes_size);
  for (NoteLocation note; count < kCpusMax && notes.next(note);) {
    if (note.is("CORE", kNotePrstatus)) ++count;
  }
  return count;
}

VirtualAddress PriorityLocator::per_cpu_offset(std::uint64_t cpu) {
  return read_pointer(hints_.per_cpu_offset + cpu * sizeof(VirtualAddress));
}

void PriorityLocator::locate_per_cpu_areas() {
  if (hints_.per_cpu_offset == 0 || hints_.per_cpu_end <= hints_.per_cpu_start) return;
  const ByteCount size =
      std::min(hints_.per_cpu_end - hints_.per_cpu_start + kPerCpuDynamicSize, kPerCpuAreaMax);
  const ByteCount notes_size = kernel_.info.size("note_buf").value_or(kKiB);
  const VirtualAddress notes = hints_.crash_notes == 0 ? 0 : read_pointer(hints_.crash_notes);
  const std::uint64_t cpus = cpu_count();
  for (std::uint64_t cpu = 0; cpu < cpus; ++cpu) {
    const VirtualAddress offset = per_cpu_offset(cpu);
    if (offset == 0) continue;
    add_mapped(hints_.per_cpu_start + offset, size, Phase::per_cpu, Rule::kept_by_class);
    if (notes != 0) add_mapped(notes + offset, std::min(notes_size, kPageSize), Phase::per_cpu, Rule::always);
  }
}

void PriorityLocator::locate_tasks() {
  if (hints_.per_cpu_offset == 0 || hints_.current_task == 0) return;
  const std::uint64_t cpus = cpu_count();
  for (std::uint64_t cpu = 0; cpu < cpus; ++cpu) {
    const VirtualAddress offset = per_cpu_offset(cpu);
    const VirtualAddress task = offset == 0 ? 0 : read_pointer(hints_.current_task + offset);
    if (task < kernel_.page_tables->kernel_half()) continue;
    add_mapped(task, kTaskSize, Phase::stacks, Rule::kept_by_class);
    std::uint64_t words[kTaskWordsSearched];
    if (!kernel_.page_tables->read(task, std::as_writable_bytes(std::span(words))).has_value()) continue;
    for (const std::uint64_t word : words) {
      if (word < kernel_.page_tables->kernel_half() || word % kStackSize != 0) continue;
      add_mapped(word, kStackSize, Phase::stacks, Rule::kept_by_class);
    }
  }
}

void PriorityLocator::locate_modules() {
  const auto size = kernel_.info.number("KERNEL_IMAGE_SIZE");
  const ByteCount image_size = size && *size > 0 ? static_cast<ByteCount>(*size) : kKernelImageSizeDefault;
  if (image_size >= kModulesLast - kKernelMapStart) return;
  add_leaves(kKernelMapStart + image_size, kModulesLast, Phase::modules);
}

VirtualAddress PriorityLocator::vmalloc_start() {
  // Linux 6.9 and later tell it; before, the first area of a sorted list lies near the start.
  if (const auto start = kernel_.info.number("VMALLOC_START")) return static_cast<VirtualAddress>(*start);
  const auto list = kernel_.info.symbol("vmap_area_list");
  const auto link = kernel_.info.offset("vmap_area.list");
  const auto start = kernel_.info.offset("vmap_area.va_start");
  if (!list || !link || !start) return 0;
  const VirtualAddress first = read_pointer(*list);
  return first == 0 || first == *list ? 0 : read_pointer(first - *link + *start);
}

VirtualAddress PriorityLocator::vmalloc_last(VirtualAddress start) {
  const bool five_levels = kernel_.info.number("pgtable_l5_enabled").value_or(0) != 0;
  VirtualAddress last = start + (five_levels ? kVmallocSize5 : kVmallocSize4) - 1;
  if (last < start || last >= kCpuEntryAreaFirst) last = kCpuEntryAreaFirst - 1;
  // With KASLR the memory map follows at once.
  if (elf_.memory.count() == 0 || !kernel_.mem_map) return last;
  const auto memory_map = kernel_.mem_map->page_address(elf_.memory[0].start / kPageSize);
  if (memory_map.has_value() && *memory_map > start && *memory_map <= last) {
    last = round_down(*memory_map, kGiB) - 1;
  }
  return last;
}

void PriorityLocator::locate_vmalloc() {
  const VirtualAddress start = vmalloc_start();
  if (start < kernel_.page_tables->kernel_half()) return;
  add_leaves(start, vmalloc_last(start), Phase::vmalloc);
}

}  // namespace warmdump
