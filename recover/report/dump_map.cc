#include "recover/report/dump_map.h"

#include <algorithm>
#include <map>
#include <numeric>

namespace warmdump {
namespace {

ClassPages& pages_of(MemoryCell& cell, PageState state) {
  switch (state) {
    case PageState::lost:
      return cell.lost;
    case PageState::excluded:
      return cell.excluded;
    case PageState::data:
    case PageState::zero:
    case PageState::absent:
      break;
  }
  return cell.stored;
}

void add_to(MemoryCell& cell, const MemoryCell& other) {
  for (std::size_t index = 0; index < cell.stored.size(); ++index) {
    cell.stored[index] += other.stored[index];
    cell.excluded[index] += other.excluded[index];
    cell.lost[index] += other.lost[index];
  }
  cell.zero += other.zero;
}

}  // namespace

PageCount sum(const ClassPages& pages) {
  return std::accumulate(pages.begin(), pages.end(), PageCount{0});
}

PageCount ram_pages(const MemoryCell& cell) {
  return sum(cell.stored) + sum(cell.excluded) + sum(cell.lost);
}

std::optional<dump_format::PageClass> leading_class(const ClassPages& pages) {
  const auto most = std::max_element(pages.begin(), pages.end());
  if (*most == 0) return std::nullopt;
  return static_cast<dump_format::PageClass>(most - pages.begin());
}

void DumpMapBuilder::add(const StateRun& run) {
  if (run.state == PageState::absent) return;
  const Pfn end = run.first_pfn + run.count;
  for (Pfn pfn = run.first_pfn; pfn < end;) {
    MemoryCell& cell = cell_of(pfn);
    const PageCount count = std::min(end, cell.first_pfn + map_.cell_pages) - pfn;
    pages_of(cell, run.state)[static_cast<std::size_t>(run.page_class)] += count;
    if (run.state == PageState::zero) cell.zero += count;
    pfn += count;
  }
}

MemoryCell& DumpMapBuilder::cell_of(Pfn pfn) {
  const auto is_in_last = [&] {
    return !map_.cells.empty() && map_.cells.back().first_pfn == round_down(pfn, map_.cell_pages);
  };
  if (!is_in_last()) {
    map_.cells.push_back({.first_pfn = round_down(pfn, map_.cell_pages)});
    while (is_too_fine()) coarsen();
  }
  return map_.cells.back();
}

bool DumpMapBuilder::is_too_fine() const {
  if (map_.cells.size() > DumpMap::kCellsMax) return true;
  const PageCount line_pages = map_.cell_pages * DumpMap::kLineCells;
  std::size_t lines = 0;
  for (std::size_t index = 0; index < map_.cells.size(); ++index) {
    const bool begins_line = index == 0 || map_.cells[index - 1].first_pfn / line_pages !=
                                               map_.cells[index].first_pfn / line_pages;
    lines += begins_line ? 1 : 0;
  }
  return lines > DumpMap::kLinesMax;
}

void DumpMapBuilder::coarsen() {
  map_.cell_pages *= 2;
  std::vector<MemoryCell> joined;
  for (MemoryCell& cell : map_.cells) {
    cell.first_pfn = round_down(cell.first_pfn, map_.cell_pages);
    if (!joined.empty() && joined.back().first_pfn == cell.first_pfn) {
      add_to(joined.back(), cell);
    } else {
      joined.push_back(cell);
    }
  }
  map_.cells = std::move(joined);
}

DumpMap DumpMapBuilder::finish(PfnRange region) && {
  map_.region = region;
  while (region.count() / map_.cell_pages > DumpMap::kCellsMax / 2) coarsen();
  return std::move(map_);
}

Outcome<DumpMap> map_memory(const DumpReader& dump) {
  DumpMapBuilder builder;
  TRY(for_each_state_run(dump, [&builder](const StateRun& run) -> Outcome<void> {
    builder.add(run);
    return {};
  }));
  PfnRange region{0, 0};
  if (dump.header() && dump.header()->region_start != 0) {
    const Pfn first = dump.header()->region_start / kPageSize;
    const PageCount count = dump.header()->region_size / kPageSize;
    if (first < kPfnEnd && count < kPfnEnd) region = {first, first + count};
  }
  return std::move(builder).finish(region);
}

std::vector<DumpMapLine> dump_map_lines(const DumpMap& map, std::size_t columns) {
  const PageCount line_pages = map.cell_pages * columns;
  std::map<Pfn, DumpMapLine> lines;
  const auto slot_at = [&](Pfn pfn) -> DumpMapLine::Slot& {
    DumpMapLine& line = lines[round_down(pfn, line_pages)];
    line.slots.resize(columns);
    return line.slots[pfn % line_pages / map.cell_pages];
  };
  for (const MemoryCell& cell : map.cells) slot_at(cell.first_pfn).cell = &cell;
  // Of a map that this program did not make, the region may have any size.
  const bool is_drawable = map.region.count() / map.cell_pages <= DumpMap::kCellsMax;
  if (is_drawable) {
    for (Pfn pfn = map.region.first; pfn < map.region.end;
         pfn = round_down(pfn, map.cell_pages) + map.cell_pages) {
      slot_at(pfn).is_region = true;
    }
  }
  std::vector<DumpMapLine> result;
  Pfn expected = 0;
  for (auto& [first_pfn, line] : lines) {
    line.first_pfn = first_pfn;
    line.gap_pages = first_pfn - expected;
    expected = first_pfn + line_pages;
    result.push_back(std::move(line));
  }
  return result;
}

}  // namespace warmdump
