#include "recover/report/page/map_picture.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "common/dump_format/dump_state.h"

namespace warmdump {
namespace {

constexpr double kCellWidth = 0.9;
constexpr std::size_t kClassesTold = 4;

double share(PageCount part, PageCount whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

// Little must be seen, too: a part that is there is at least so high.
double visible(double height, double least) {
  return height <= 0 ? 0 : std::clamp(height, least, 1.0);
}

std::string rectangle(const std::string& classes, double x, double y, double width, double height) {
  return fmt::format("<rect class=\"{}\" x=\"{:.4g}\" y=\"{:.3g}\" width=\"{:.4g}\" height=\"{:.3g}\"/>",
                     classes, x, y, width, height);
}

std::string colour(const ClassPages& pages) {
  const auto page_class = leading_class(pages);
  return page_class ? fmt::format("k{}", static_cast<unsigned>(*page_class)) : "";
}

std::string svg_cell(const MemoryCell& cell, double x) {
  const PageCount all = ram_pages(cell);
  const double lost = visible(share(sum(cell.lost), all), 0.3);
  const double stored = std::min(visible(share(sum(cell.stored), all), 0.16), 1 - lost);
  std::string svg;
  if (sum(cell.excluded) > 0 && lost + stored < 1)
    svg += rectangle("x " + colour(cell.excluded), x, lost, kCellWidth, 1 - lost - stored);
  if (stored > 0) svg += rectangle("s " + colour(cell.stored), x, 1 - stored, kCellWidth, stored);
  if (lost > 0) svg += rectangle("l", x, 0, kCellWidth, lost);
  return svg;
}

std::string json_cell(const MemoryCell& cell) {
  std::vector<std::pair<PageCount, std::size_t>> classes;
  for (std::size_t index = 0; index < cell.stored.size(); ++index) {
    const PageCount pages = cell.stored[index] + cell.excluded[index] + cell.lost[index];
    if (pages > 0) classes.emplace_back(pages, index);
  }
  std::sort(classes.rbegin(), classes.rend());
  classes.resize(std::min(classes.size(), kClassesTold));
  std::string json =
      fmt::format("[{},{},{},{}", sum(cell.stored), cell.zero, sum(cell.excluded), sum(cell.lost));
  for (const auto& [pages, index] : classes) json += fmt::format(",[{},{}]", index, pages);
  return json + "]";
}

}  // namespace

std::string svg_cells(const DumpMapLine& line) {
  std::string svg;
  std::string frames;
  for (std::size_t slot = 0; slot < line.slots.size(); ++slot) {
    const double x = static_cast<double>(slot) + (1 - kCellWidth) / 2;
    if (line.slots[slot].cell != nullptr) svg += svg_cell(*line.slots[slot].cell, x);
    const bool begins = line.slots[slot].is_region && (slot == 0 || !line.slots[slot - 1].is_region);
    if (!begins) continue;
    std::size_t end = slot;
    while (end < line.slots.size() && line.slots[end].is_region) ++end;
    frames += rectangle("r", static_cast<double>(slot), 0, static_cast<double>(end - slot), 1);
  }
  return svg + frames;
}

std::string svg_whole_bar(const PageCounts& pages) {
  const PageCount all = pages.total.pages;
  std::string svg;
  double x = 0;
  const auto add = [&](const std::string& classes, PageCount part) {
    const double width = 1000 * share(part, all);
    if (width <= 0) return;
    svg += rectangle(classes, x, 0, width, 10);
    x += width;
  };
  const auto first = static_cast<std::size_t>(dump_format::PageClass::kernel);
  for (std::size_t index = first; index < pages.classes.size(); ++index)
    add(fmt::format("s k{}", index), pages.classes[index].data + pages.classes[index].zero);
  add("l", pages.total.lost);
  for (std::size_t index = first; index < pages.classes.size(); ++index)
    add(fmt::format("x k{}", index), pages.classes[index].excluded);
  return svg;
}

std::string json_cells(const DumpMap& map, const std::vector<DumpMapLine>& lines) {
  std::vector<std::string> names;
  for (std::size_t index = 0; index < dump_format::kPageClassCount; ++index)
    names.push_back(
        fmt::format("\"{}\"", dump_format::page_class_name(static_cast<dump_format::PageClass>(index))));
  std::vector<std::string> lines_json;
  for (const DumpMapLine& line : lines) {
    std::vector<std::string> cells;
    std::vector<std::size_t> region;
    for (std::size_t slot = 0; slot < line.slots.size(); ++slot) {
      if (line.slots[slot].cell != nullptr)
        cells.push_back(fmt::format("\"{}\":{}", slot, json_cell(*line.slots[slot].cell)));
      if (line.slots[slot].is_region) region.push_back(slot);
    }
    // As text: addresses may be larger than the numbers of a script are exact.
    lines_json.push_back(fmt::format("{{\"start\":\"{}\",\"region\":[{}],\"cells\":{{{}}}}}",
                                     line.first_pfn * kPageSize, fmt::join(region, ","),
                                     fmt::join(cells, ",")));
  }
  return fmt::format("{{\"names\":[{}],\"cellBytes\":\"{}\",\"lines\":[{}]}}", fmt::join(names, ","),
                     map.cell_pages * kPageSize, fmt::join(lines_json, ",\n"));
}

}  // namespace warmdump
