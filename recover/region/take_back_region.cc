#include "recover/region/take_back_region.h"

#include <fmt/format.h>

#include "common/stopwatch.h"

namespace warmdump {

Outcome<RegionTakenBack> take_back_region(PmemRegions& regions, const PmemRegion& region,
                                          std::uint64_t limit_ms, RecoverEvents& events) {
  const Stopwatch stopwatch;
  const std::string doing = "cannot take back " + region.name;
  RegionTakenBack report;
  report.memory_total_before = regions.memory_total();
  report.was_raw = region.shape == RegionShape::raw;
  if (region.shape == RegionShape::system_ram) {
    report.blocks = TRY(in_context(doing, regions.memory_blocks(region))).count;
    TRY(in_context(doing, regions.leave_system_ram(region, limit_ms)));
    events.step(fmt::format("{} memory blocks offline and gone", report.blocks));
  }
  report.disk = TRY(in_context(doing, regions.open_raw(region)));
  report.memory_total_after = regions.memory_total();
  report.elapsed_ms = stopwatch.elapsed_ms();
  events.step("raw disk " + report.disk.string());
  return report;
}

}  // namespace warmdump
