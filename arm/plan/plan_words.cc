#include "arm/plan/plan_words.h"

#include <fmt/format.h>

#include <algorithm>

#include "arm/load/crash_command_line.h"
#include "common/hosted/byte_count_text.h"

namespace warmdump {
namespace {

constexpr ByteCount kBytesPerStructPage = 4096 / 64;

void give_reasons(RegionPlan& plan, const Machine& machine, const PlaceChoice& choice,
                  const Placement& placement) {
  const auto entry = std::find_if(choice.ram.begin(), choice.ram.end(),
                                  [&](const AddressRange& ram) { return ram.contains(placement.region); });
  if (entry != choice.ram.end()) {
    plan.reasons.push_back(fmt::format(
        "inside one piece of the RAM of {} ({}), so the kernel makes one region of it",
        machine.firmware_map ? "the firmware's memory map" : "/proc/iomem", address_range_text(*entry)));
  }
  if (!placement.below_four_gib) {
    plan.reasons.emplace_back("above 4 GiB: memory for DMA, firmware and boot loader is left alone");
  }
  if (!placement.top_of_ram) {
    plan.reasons.push_back(fmt::format(
        "{} of RAM {} above it, where boot loaders put the initrd{}",
        readable_byte_count(placement.ram_above), placement.ram_above == 0 ? "below 4 GiB" : "stay",
        choice.top_has_node ? "" : ", and the kernel knows its node without an affinity table"));
  }
  if (placement.node && choice.node_ram.size() > 1) {
    plan.reasons.push_back(fmt::format("all of it on node {}, which has {} of RAM", *placement.node,
                                       readable_byte_count(choice.node_ram.at(*placement.node))));
  }
  plan.reasons.push_back(fmt::format("starts 2 MiB before a memory block and holds {} of {}",
                                     plan.returned_size / plan.block_size,
                                     readable_byte_count(plan.block_size)));
}

void warn_of_place(RegionPlan& plan, const PlaceChoice& choice, const Placement& placement) {
  const auto warn = [&plan](bool so, const std::string& text) {
    if (so) plan.warnings.push_back(text);
  };
  const bool any_high = !choice.ram.empty() && choice.ram.back().end() > kFourGib;
  warn(placement.below_four_gib,
       fmt::format("the region lies below 4 GiB because {}; devices and firmware that need low memory have "
                   "that much less while it is not returned",
                   !any_high     ? "this machine has no RAM above 4 GiB"
                   : plan.active ? "it was put there"
                                 : "no RAM above 4 GiB has room for it"));
  warn(placement.top_of_ram,
       "the region is the top of RAM: boot loaders like to put their initrd there, and the size of memory "
       "blocks may change with the end of RAM");
  warn(placement.over_crash_kernel,
       "the crash kernel's memory of this boot lies there; the next boot puts it elsewhere, unless its "
       "crashkernel= names the place");
  warn(placement.most_of_its_node,
       fmt::format("the region is more than half of the memory of node {}", placement.node.value_or(0)));
}

void warn_of_machine(RegionPlan& plan, const Machine& machine) {
  const unsigned items = machine.options.memmap_items + (plan.active ? 0 : 1);
  if (items > kMemmapItemsMax && !machine.options.no_randomisation) {
    plan.warnings.push_back(
        fmt::format("with this one the command line has {} memmap= items; address randomisation knows {} of "
                    "them, and may "
                    "put the kernel into the others: join some, or add nokaslr",
                    items, kMemmapItemsMax));
  }
  // Linux v6.6 made the EFI stub place the kernel by itself; that it keeps off memmap= came in v6.10 and with
  // stable updates.
  if (machine.boot_firmware == BootFirmware::efi && !machine.options.no_randomisation &&
      machine.architecture == Architecture::x86_64) {
    plan.unknown.emplace_back(
        "whether the kernel's EFI stub keeps off memmap= when it places the kernel at random: some of 6.6 to "
        "6.9 "
        "do not; `warmdump arm` looks at every boot, and nokaslr settles it");
  }
  if (machine.options.movable_split) {
    plan.warnings.emplace_back(
        "movablecore= or kernelcore= makes a movable zone of its own: the region adds to it");
  }
  if (machine.plug_devices > 0 && !(machine.boot && machine.boot->ram_complete)) {
    plan.warnings.push_back(fmt::format(
        "{} memory devices can be unplugged, and which memory they hold is not known", machine.plug_devices));
  }
  if (machine.nodes && machine.nodes->size() > 1 && !plan.node) {
    plan.warnings.push_back(
        fmt::format("the machine has {} nodes, and on which of them the region lies is not known",
                    machine.nodes->size()));
  }
}

// Devicetree binding pmem/pmem-region; each number is two cells of 32 bits.
std::string device_tree_node(const RegionPlan& plan) {
  const auto cells = [](std::uint64_t number) {
    return fmt::format("{:#x} {:#x}", number >> 32, number & 0xffffffff);
  };
  return fmt::format("pmem@{:x} {{ compatible = \"pmem-region\"; reg = <{} {}>; numa-node-id = <{}>; }};",
                     plan.region.start, cells(plan.region.start), cells(plan.region.size),
                     plan.node.value_or(0));
}

}  // namespace

ByteCount system_part(ByteCount ram_size) {
  return std::max(ram_size / 2, kSystemRamMin);
}

void describe(RegionPlan& plan, const Machine& machine, const PlaceChoice& choice,
              const Placement& placement) {
  plan.region = placement.region;
  plan.node = placement.node;
  plan.block_size = machine.block_size;
  plan.returned_size = plan.region.size - kRegionLead;
  plan.never_returned = kRegionLead;
  plan.struct_page_size = plan.returned_size / kBytesPerStructPage;
  if (machine.architecture == Architecture::x86_64) {
    plan.crash_options = crash_command_line_options(plan.region);
    plan.running_options = running_command_line_options(plan.region);
  } else {
    plan.instead_of_options = device_tree_node(plan);
  }
  give_reasons(plan, machine, choice, placement);
  warn_of_place(plan, choice, placement);
  warn_of_machine(plan, machine);
}

}  // namespace warmdump
