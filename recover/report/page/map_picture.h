// The picture of a memory map as SVG: numbers and names of our own only, so nothing needs to be escaped.
//
// In a cell the stored part is solid and rises from the ground, the part that was left out is pale, the lost
// part hangs from the top, hatched; so they can be told without seeing colours. The classes of report.css:
// s, x, l for these; kN for the PageClass N; r for the region.

#pragma once

#include <string>

#include "recover/report/dump_map.h"

namespace warmdump {

// The cells of a line, a unit wide and high each.
std::string svg_cells(const DumpMapLine& line);

// What became of all pages, class by class, as one bar of 1000 by 10.
std::string svg_whole_bar(const PageCounts& pages);

// What report.js tells of a cell that one points at: names of the classes, bytes of a cell, and for each line
// its address, the slots of the region and the cells: [stored, zero, excluded, lost, [class, pages]...], the
// classes with most pages only.
std::string json_cells(const DumpMap& map, const std::vector<DumpMapLine>& lines);

}  // namespace warmdump
