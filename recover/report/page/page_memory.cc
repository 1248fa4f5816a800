#include <fmt/format.h>

#include <algorithm>

#include "common/dump_format/dump_state.h"
#include "common/hosted/byte_count_text.h"
#include "recover/report/page/map_picture.h"
#include "recover/report/page/page_data.h"
#include "recover/report/report_words.h"

namespace warmdump {
namespace {

using List = kainjow::mustache::list;

std::string bytes_of(PageCount pages) {
  return readable_byte_count(pages * kPageSize);
}

std::string class_name(std::size_t index) {
  return dump_format::page_class_name(static_cast<dump_format::PageClass>(index));
}

PageData counts_row(const std::string& name, const ClassCounts& counts) {
  PageData row;
  row["name"] = name;
  row["pages"] = grouped(counts.pages);
  row["excluded"] = grouped(counts.excluded);
  row["kept"] = grouped(counts.kept);
  row["data"] = grouped(counts.data);
  row["zero"] = grouped(counts.zero);
  row["lost"] = grouped(counts.lost);
  row["is_lost"] = counts.lost > 0;
  return row;
}

PageData fate(const std::string& name, PageCount pages, const char* sample) {
  PageData row;
  row["name"] = name;
  row["bytes"] = bytes_of(pages);
  row["pages"] = grouped(pages);
  row["sample"] = sample;
  return row;
}

List fates(const ClassCounts& total) {
  List list;
  list.push_back(fate("in the dump", total.data + total.zero, R"(<rect class="s" width="1" height="1"/>)"));
  list.push_back(fate("left out", total.excluded, R"(<rect class="x" width="1" height="1"/>)"));
  list.push_back(fate("lost", total.lost, R"(<rect class="l" width="1" height="1"/>)"));
  return list;
}

// An address as people know memory: "4 GiB", "3.5 GiB"; the exact one is told of every cell.
std::string address_text(Pfn pfn) {
  return pfn == 0 ? "0" : readable_byte_count(pfn * kPageSize);
}

List map_lines(const std::vector<DumpMapLine>& lines) {
  List list;
  for (const DumpMapLine& line : lines) {
    PageData row;
    if (line.gap_pages > 0) row["gap"] = bytes_of(line.gap_pages);
    row["address"] = address_text(line.first_pfn);
    row["cells"] = svg_cells(line);
    list.push_back(std::move(row));
  }
  return list;
}

List legend(const PageCounts& pages) {
  List list;
  for (std::size_t index = 1; index < pages.classes.size(); ++index) {
    if (pages.classes[index].pages == 0) continue;
    PageData row;
    row["index"] = std::to_string(index);
    row["name"] = class_name(index);
    row["bytes"] = bytes_of(pages.classes[index].pages);
    list.push_back(std::move(row));
  }
  return list;
}

List lost_reasons(const PageCounts& pages) {
  List list;
  for (std::size_t index = 1; index < pages.lost_by_reason.size(); ++index) {
    if (pages.lost_by_reason[index] == 0) continue;
    list.push_back(
        PageData(fmt::format("Lost, {}: {} pages.", lost_reason_name(static_cast<LostReason>(index)),
                             grouped(pages.lost_by_reason[index]))));
  }
  return list;
}

void fill_map(const PageCounts& pages, const DumpMap& map, PageData& page) {
  const auto lines = dump_map_lines(map);
  page["has_map"] = !map.cells.empty();
  page["cells_json"] = json_cells(map, lines);
  if (map.cells.empty()) return;
  page["cell_size"] = bytes_of(map.cell_pages);
  page["line_size"] = bytes_of(map.cell_pages * DumpMap::kLineCells);
  page["lines"] = PageData(map_lines(lines));
  page["legend"] = PageData(legend(pages));
  page["has_region"] = map.region.count() > 0;
  page["region_size"] = bytes_of(map.region.count());
}

}  // namespace

void fill_memory(const DumpSummary& summary, const DumpMap& map, PageData& page) {
  const ClassCounts& total = summary.pages.total;
  page["memory_words"] = fmt::format(
      "{} of RAM: {} are in the dump, {} of them zero; {} were left out by dump level {}; {} lost.",
      bytes_of(total.pages), bytes_of(total.data + total.zero), bytes_of(total.zero),
      bytes_of(total.excluded), summary.dump_level,
      total.lost == 0 ? "nothing was" : bytes_of(total.lost) + " are");
  page["whole_bar"] = svg_whole_bar(summary.pages);
  page["fates"] = PageData(fates(total));
  fill_map(summary.pages, map, page);

  List classes;
  for (std::size_t index = 1; index < summary.pages.classes.size(); ++index) {
    if (summary.pages.classes[index].pages == 0) continue;
    PageData row = counts_row(class_name(index), summary.pages.classes[index]);
    row["index"] = std::to_string(index);
    classes.push_back(std::move(row));
  }
  page["classes"] = PageData(classes);
  page["total"] = counts_row("total", total);
  page["lost_reasons"] = PageData(lost_reasons(summary.pages));
}

}  // namespace warmdump
