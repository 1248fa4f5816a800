#include "recover/report/dump_map_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <nlohmann/json.hpp>

#include "common/dump_format/dump_state.h"

namespace warmdump {
namespace {

using Json = nlohmann::ordered_json;

std::string key_of(std::size_t page_class) {
  std::string name = dump_format::page_class_name(static_cast<dump_format::PageClass>(page_class));
  std::replace(name.begin(), name.end(), ' ', '_');
  return name;
}

Json classes_as_json(const ClassPages& pages) {
  Json json = Json::object();
  for (std::size_t index = 0; index < pages.size(); ++index) {
    if (pages[index] != 0) json[key_of(index)] = pages[index];
  }
  return json;
}

Json cell_as_json(const MemoryCell& cell) {
  Json json{{"first_pfn", cell.first_pfn}};
  const auto add = [&json](const char* key, const ClassPages& pages) {
    if (sum(pages) != 0) json[key] = classes_as_json(pages);
  };
  add("stored", cell.stored);
  if (cell.zero != 0) json["zero"] = cell.zero;
  add("excluded", cell.excluded);
  add("lost", cell.lost);
  return json;
}

ClassPages parse_classes(const Json& cell, const char* key, PageCount cell_pages) {
  ClassPages pages{};
  if (!cell.contains(key)) return pages;
  for (std::size_t index = 0; index < pages.size(); ++index) {
    pages[index] = std::min(cell.at(key).value(key_of(index), PageCount{0}), cell_pages);
  }
  return pages;
}

Failure damaged(std::string_view why) {
  return Failure(ErrorCode::corrupt, fmt::format("memory-map.json is damaged: {}", why));
}

}  // namespace

std::string to_json(const DumpMap& map) {
  std::string text = fmt::format("{{\n  \"schema\": {},\n  \"page_size\": {},\n  \"cell_pages\": {},\n",
                                 kMemoryMapSchema, kPageSize, map.cell_pages);
  if (map.region.count() > 0) {
    text += fmt::format("  \"region\": {{\"first_pfn\": {}, \"pages\": {}}},\n", map.region.first,
                        map.region.count());
  }
  text += "  \"cells\": [";
  for (std::size_t index = 0; index < map.cells.size(); ++index) {
    text += index == 0 ? "\n    " : ",\n    ";
    text += cell_as_json(map.cells[index]).dump();
  }
  return text + "\n  ]\n}\n";
}

Outcome<DumpMap> parse_dump_map(std::string_view text) {
  try {
    const Json json = Json::parse(text);
    if (const int schema = json.at("schema").get<int>(); schema > kMemoryMapSchema) {
      return Failure(
          ErrorCode::unsupported,
          fmt::format("memory-map.json has schema {}, this version knows {}", schema, kMemoryMapSchema));
    }
    DumpMap map;
    json.at("cell_pages").get_to(map.cell_pages);
    if (!std::has_single_bit(map.cell_pages) || map.cell_pages >= kPfnEnd) return damaged("size of a cell");
    if (json.contains("region")) {
      const Pfn first = json.at("region").at("first_pfn").get<Pfn>();
      const auto pages = json.at("region").at("pages").get<PageCount>();
      if (first >= kPfnEnd || pages >= kPfnEnd) return damaged("place of the region");
      map.region = {first, first + pages};
    }
    if (json.at("cells").size() > DumpMap::kCellsMax) return damaged("number of cells");
    for (const Json& entry : json.at("cells")) {
      MemoryCell cell;
      entry.at("first_pfn").get_to(cell.first_pfn);
      const bool is_in_order = map.cells.empty() || cell.first_pfn > map.cells.back().first_pfn;
      if (cell.first_pfn >= kPfnEnd || cell.first_pfn % map.cell_pages != 0 || !is_in_order)
        return damaged("place of a cell");
      cell.stored = parse_classes(entry, "stored", map.cell_pages);
      cell.excluded = parse_classes(entry, "excluded", map.cell_pages);
      cell.lost = parse_classes(entry, "lost", map.cell_pages);
      cell.zero = std::min(entry.value("zero", PageCount{0}), sum(cell.stored));
      map.cells.push_back(cell);
    }
    return map;
  } catch (const nlohmann::json::exception& error) {
    return damaged(error.what());
  }
}

}  // namespace warmdump
