#include "recover/region/return_region.h"

#include <fmt/format.h>

#include "common/stopwatch.h"

namespace warmdump {
namespace {

Failure not_movable(const PmemRegion& region, const MemoryBlocks& blocks) {
  return Failure(
      ErrorCode::refused,
      fmt::format("{} of {} memory blocks of {} are online{}: something else brings memory online, look "
                  "at /sys/devices/system/memory/auto_online_blocks, udev rules for `memory`, and "
                  "daxctl.conf; a crash would overwrite kernel memory there, so arm will refuse",
                  blocks.online, blocks.count, region.name,
                  blocks.online > 0 && !blocks.movable ? ", and not all of them Movable" : ""));
}

Outcome<bool> is_returned(PmemRegions& regions, const PmemRegion& region) {
  if (region.shape != RegionShape::system_ram) return false;
  return TRY(regions.memory_blocks(region)).all_returned();
}

}  // namespace

Outcome<RegionReturn> return_region(PmemRegions& regions, const PmemRegion& region, RecoverEvents& events) {
  const Stopwatch stopwatch;
  RegionReturn report;
  report.memory_total_before = regions.memory_total();
  report.was_returned = TRY(is_returned(regions, region));
  if (!report.was_returned) {
    if (region.target_node == kNoNode) {
      return Failure(
          ErrorCode::unsupported,
          fmt::format("cannot return {}: no NUMA node covers it, which happens when it is the top of the "
                      "memory and the firmware has no SRAT; choose a lower place with `warmdump plan`",
                      region.name));
    }
    const std::string doing = "cannot return " + region.name;
    if (region.shape != RegionShape::system_ram) {
      TRY(in_context(doing, regions.convert_to_devdax(region)));
      events.step("devdax device made, struct pages outside the region");
      TRY(in_context(doing, regions.make_system_ram(region)));
      events.step("bound to kmem: system RAM");
    }
    TRY(in_context(doing, regions.online_movable(region)));
  }
  report.blocks = TRY(in_context("cannot verify " + region.name, regions.memory_blocks(region)));
  if (!report.blocks.all_returned()) return not_movable(region, report.blocks);
  report.bytes = static_cast<ByteCount>(report.blocks.count) * report.blocks.block_size;
  report.memory_total_after = regions.memory_total();
  report.elapsed_ms = stopwatch.elapsed_ms();
  events.step(fmt::format("{} of {} memory blocks online and Movable: {} MiB", report.blocks.online,
                          report.blocks.count, report.bytes / kMiB));
  return report;
}

}  // namespace warmdump
