// DumpMap: all RAM of the machine that crashed, in a bounded number of cells: what was there, and what
// became of it. For pictures; the exact numbers are in PageCounts. Pure but for map_memory.

#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <vector>

#include "common/dump_format/dump_format.h"
#include "common/hosted/failure.h"
#include "common/units.h"
#include "recover/dump/page_walk.h"

namespace warmdump {

using ClassPages = std::array<PageCount, dump_format::kPageClassCount>;  // by PageClass

// The pages of one piece of the address space that are RAM.
struct MemoryCell {
  Pfn first_pfn = 0;      // a multiple of DumpMap::cell_pages
  ClassPages stored{};    // in the dump, zero pages included
  ClassPages excluded{};  // left out on purpose
  ClassPages lost{};      // was to be kept and is not there
  PageCount zero = 0;     // of `stored`

  bool operator==(const MemoryCell&) const = default;
};

struct DumpMap {
  static constexpr std::size_t kCellsMax = 1024;
  // Cells stand in lines of so many that begin at a multiple; no more than so many lines have any.
  static constexpr std::size_t kLineCells = 64;
  static constexpr std::size_t kLinesMax = 32;

  PageCount cell_pages = 1;       // a power of two
  std::vector<MemoryCell> cells;  // ascending; pieces without RAM have none
  PfnRange region{0, 0};          // where the dump lay itself; empty when it was a file
};

PageCount sum(const ClassPages& pages);
PageCount ram_pages(const MemoryCell& cell);

// The class that most of the pages have; empty when there are none.
std::optional<dump_format::PageClass> leading_class(const ClassPages& pages);

// Puts a map together from runs in ascending order, in memory that does not grow with the machine: the cells
// are made twice as large whenever they are too many.
class DumpMapBuilder {
 public:
  void add(const StateRun& run);
  DumpMap finish(PfnRange region) &&;

 private:
  MemoryCell& cell_of(Pfn pfn);
  bool is_too_fine() const;
  void coarsen();

  DumpMap map_;
};

// Reads the class maps once more. Errors: those of for_each_state_run.
Outcome<DumpMap> map_memory(const DumpReader& dump);

// A line of a picture. Lines without RAM and without the region are left out; gap_pages says how much.
struct DumpMapLine {
  struct Slot {
    const MemoryCell* cell = nullptr;  // of the map; nullptr: no RAM that the dump knows of
    bool is_region = false;            // the region lies here, at least in part
  };
  Pfn first_pfn = 0;
  PageCount gap_pages = 0;  // left out before this line
  std::vector<Slot> slots;  // as many as there are columns
};

// The lines of a picture of `columns`, a power of two, cells each. `map` must outlive the result.
std::vector<DumpMapLine> dump_map_lines(const DumpMap& map, std::size_t columns = DumpMap::kLineCells);

}  // namespace warmdump
