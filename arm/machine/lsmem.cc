#include "arm/machine/lsmem.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "arm/machine/number_text.h"
#include "arm/machine/text_lines.h"
#include "common/hosted/ascii.h"
#include "common/hosted/byte_count_text.h"

namespace warmdump {
namespace {

// A row's cells by the lower-case name of their column.
using Row = std::map<std::string, std::string, std::less<>>;

std::string cell(const Row& row, std::string_view column) {
  const auto found = row.find(column);
  return found == row.end() ? std::string() : found->second;
}

std::optional<MemoryBlocks> blocks_of(const Row& row) {
  const std::string range = cell(row, "range");
  const auto dash = range.find('-');
  if (dash == std::string::npos) return std::nullopt;
  const auto first = parse_hexadecimal(std::string_view(range).substr(0, dash));
  const auto last = parse_hexadecimal(std::string_view(range).substr(dash + 1));
  const std::string state = cell(row, "state");
  if (!first || !last || *last < *first || *last - *first == UINT64_MAX || state.empty()) return std::nullopt;
  MemoryBlocks blocks{{*first, *last - *first + 1}, state == "online", {}, {}};
  if (blocks.online) blocks.zone = current_zone(cell(row, "zones"));
  if (const auto node = parse_decimal(cell(row, "node"))) blocks.node = static_cast<unsigned>(*node);
  return blocks;
}

Outcome<std::vector<MemoryBlocks>> parse_json(std::string_view text) {
  const auto document = nlohmann::json::parse(text, nullptr, false);
  if (document.is_discarded() || !document.is_object() || !document.contains("memory") ||
      !document["memory"].is_array()) {
    return Failure(ErrorCode::corrupt, "this is not what `lsmem --json` prints: no array \"memory\"");
  }
  std::vector<MemoryBlocks> blocks;
  for (const auto& object : document["memory"]) {
    Row row;
    for (const auto& [name, value] : object.items()) {
      if (!value.is_null())
        row[lower_case(name)] = value.is_string() ? value.get<std::string>() : value.dump();
    }
    auto entry = blocks_of(row);
    if (!entry) {
      return Failure(ErrorCode::corrupt,
                     fmt::format("\"memory\"[{}] has no range and state", &object - &document["memory"][0]));
    }
    blocks.push_back(std::move(*entry));
  }
  return blocks;
}

}  // namespace

Outcome<std::vector<MemoryBlocks>> parse_lsmem(std::string_view text) {
  if (const auto first = text.find_first_not_of(" \t\r\n");
      first != std::string_view::npos && text[first] == '{') {
    return parse_json(text);
  }
  std::vector<MemoryBlocks> blocks;
  std::vector<std::string> columns;
  for (unsigned number = 1; !text.empty(); ++number) {
    const std::string_view line = take_line(text);
    const auto words = words_of(line);
    if (words.empty()) continue;
    if (columns.empty()) {
      for (const std::string_view word : words) columns.push_back(lower_case(word));
      if (std::find(columns.begin(), columns.end(), "range") == columns.end()) {
        return Failure(ErrorCode::corrupt, fmt::format("line {} is not the heading of lsmem: \"{}\"", number,
                                                       line.substr(0, 80)));
      }
      continue;
    }
    if (line.starts_with("Memory block size:") || line.starts_with("Total ")) continue;
    Row row;
    // Only the last columns can be empty: lsmem has no zones to tell where the kernel has not.
    for (std::size_t i = 0; i < std::min(words.size(), columns.size()); ++i) row[columns[i]] = words[i];
    auto entry = words.size() <= columns.size() ? blocks_of(row) : std::nullopt;
    if (!entry) {
      return Failure(ErrorCode::corrupt,
                     fmt::format("line {} is not a line of lsmem: \"{}\"", number, line.substr(0, 80)));
    }
    blocks.push_back(std::move(*entry));
  }
  return blocks;
}

std::optional<ByteCount> block_size_of_lsmem(std::string_view text) {
  constexpr std::string_view kLead = "Memory block size:";
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    if (!line.starts_with(kLead)) continue;
    const auto words = words_of(line.substr(kLead.size()));
    if (words.size() != 1) return std::nullopt;
    const auto size = parse_byte_count(words[0]);
    if (size.has_value()) return *size;
  }
  return std::nullopt;
}

std::string print_lsmem(const std::vector<MemoryBlocks>& blocks, ByteCount block_size) {
  std::string text =
      "RANGE                                          SIZE   STATE       BLOCK  NODE   ZONES\n";
  for (const MemoryBlocks& entry : blocks) {
    std::string line =
        fmt::format("{:#018x}-{:#018x} {:>13} {:>7} {:>11} {:>5} {:>7}", entry.range.start,
                    entry.range.end() - 1, entry.range.size, entry.online ? "online" : "offline",
                    fmt::format("{}-{}", entry.range.start / block_size, entry.range.end() / block_size - 1),
                    entry.node ? std::to_string(*entry.node) : "-", entry.zone);
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text + fmt::format("\nMemory block size:  {:>12}\n", block_size);
}

}  // namespace warmdump
