#include "recover/region/return_region.h"

#include <fmt/format.h>

#include "common/stopwatch.h"
#include "recover/region/take_back_region.h"

namespace warmdump {
namespace {

// For undoing a return that failed: its blocks are new and hardly used.
constexpr std::uint64_t kUndoLimitMs = 5000;

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

Outcome<void> run_steps(PmemRegions& regions, const PmemRegion& region, RecoverEvents& events,
                        RegionReturn& report) {
  const std::string doing = "cannot return " + region.name;
  if (region.shape != RegionShape::system_ram) {
    const Stopwatch devdax;
    TRY(in_context(doing, regions.convert_to_devdax(region)));
    report.devdax_ms = devdax.elapsed_ms();
    events.step("devdax device made, struct pages outside the region");
    const Stopwatch kmem;
    TRY(in_context(doing, regions.make_system_ram(region)));
    report.kmem_ms = kmem.elapsed_ms();
    events.step("bound to kmem: system RAM");
  }
  const Stopwatch online;
  TRY(in_context(doing, regions.online_movable(region)));
  report.blocks = TRY(in_context("cannot verify " + region.name, regions.memory_blocks(region)));
  report.online_ms = online.elapsed_ms();
  if (!report.blocks.all_returned()) return not_movable(region, report.blocks);
  return {};
}

// The region as it is now, whatever the steps have made of it.
Outcome<PmemRegion> look_again(PmemRegions& regions, const PmemRegion& region) {
  return choose_region(TRY(regions.find()), region.name);
}

Failure undone(PmemRegions& regions, const PmemRegion& region, Failure failure, RecoverEvents& events) {
  events.step("undoing it");
  auto now = look_again(regions, region);
  auto taken = now ? take_back_region(regions, *now, kUndoLimitMs, events)
                   : Outcome<RegionTakenBack>(std::move(now.error()));
  failure.message += taken ? "; the region is a raw disk again, ready for the next crash"
                           : "; that could not be undone: " + taken.error().message;
  return failure;
}

}  // namespace

Outcome<RegionReturn> return_region(PmemRegions& regions, const PmemRegion& region, RecoverEvents& events) {
  const Stopwatch stopwatch;
  RegionReturn report;
  report.memory_total_before = regions.memory_total();
  report.was_returned = TRY(in_context("cannot look at " + region.name, is_returned(regions, region)));
  if (report.was_returned) {
    report.blocks = TRY(in_context("cannot verify " + region.name, regions.memory_blocks(region)));
  } else {
    TRY(in_context("cannot return " + region.name, regions.check_returnable(region)));
    auto done = run_steps(regions, region, events, report);
    if (!done) return undone(regions, region, std::move(done.error()), events);
  }
  report.bytes = static_cast<ByteCount>(report.blocks.count) * report.blocks.block_size;
  report.memory_total_after = regions.memory_total();
  report.elapsed_ms = stopwatch.elapsed_ms();
  events.step(fmt::format("{} of {} memory blocks online and Movable: {} MiB", report.blocks.online,
                          report.blocks.count, report.bytes / kMiB));
  return report;
}

}  // namespace warmdump
