#include "arm/machine/firmware_map.h"

#include <fmt/format.h>

#include <algorithm>

#include "arm/machine/number_text.h"
#include "arm/machine/text_lines.h"

namespace warmdump {
namespace {

constexpr const char* kFolder = "/sys/firmware/memmap";
constexpr const char* kSavedList = "/memmap";

void sort_by_address(FirmwareMap& map) {
  std::stable_sort(map.entries.begin(), map.entries.end(),
                   [](const auto& a, const auto& b) { return a.range.start < b.range.start; });
}

std::optional<AddressRange> range_of(std::optional<std::uint64_t> first, std::optional<std::uint64_t> last) {
  if (!first || !last || *last < *first || *last - *first == UINT64_MAX) return std::nullopt;
  return AddressRange{*first, *last - *first + 1};
}

Outcome<FirmwareEntry> read_entry(const MachineFiles& files, const std::string& folder) {
  const auto range = range_of(parse_hexadecimal(files.line_or_empty(folder + "/start")),
                              parse_hexadecimal(files.line_or_empty(folder + "/end")));
  std::string type = files.line_or_empty(folder + "/type");
  if (!range || type.empty()) {
    return Failure(
        ErrorCode::corrupt,
        fmt::format("{}: start, end and type are not those of a piece of memory", files.path(folder)));
  }
  return FirmwareEntry{*range, std::move(type)};
}

std::optional<FirmwareEntry> parse_entry(std::string_view line) {
  const auto words = words_of(line);
  const auto dash = words.empty() ? std::string_view::npos : words[0].find('-');
  if (words.size() < 2 || dash == std::string_view::npos) return std::nullopt;
  const auto range =
      range_of(parse_hexadecimal(words[0].substr(0, dash)), parse_hexadecimal(words[0].substr(dash + 1)));
  std::string type;
  for (std::size_t i = words[1] == ":" ? 2 : 1; i < words.size(); ++i) {
    if (!type.empty()) type += ' ';
    type += words[i];
  }
  if (!range || type.empty()) return std::nullopt;
  return FirmwareEntry{*range, type};
}

}  // namespace

std::vector<AddressRange> usable_ranges(const FirmwareMap& map) {
  std::vector<AddressRange> ranges;
  for (const FirmwareEntry& entry : map.entries) {
    if (entry.type == kSystemRamName) ranges.push_back(entry.range);
  }
  return ranges;
}

Outcome<FirmwareMap> parse_firmware_map(std::string_view text) {
  FirmwareMap map;
  for (unsigned number = 1; !text.empty(); ++number) {
    const std::string_view line = take_line(text);
    if (words_of(line).empty()) continue;
    auto entry = parse_entry(line);
    if (!entry) {
      return Failure(ErrorCode::corrupt,
                     fmt::format("line {} is not \"start-end type\": \"{}\"", number, line.substr(0, 80)));
    }
    map.entries.push_back(std::move(*entry));
  }
  sort_by_address(map);
  return map;
}

Outcome<std::optional<FirmwareMap>> read_firmware_map(const MachineFiles& files) {
  const std::vector<std::string> names = files.names_in(kFolder);
  if (names.empty()) {
    if (!files.exists(kSavedList)) return std::optional<FirmwareMap>();
    const std::string text = TRY(files.read(kSavedList));
    return std::optional(TRY(in_context(files.path(kSavedList), parse_firmware_map(text))));
  }
  FirmwareMap map;
  for (const std::string& name : names) {
    map.entries.push_back(TRY(read_entry(files, std::string(kFolder) + "/" + name)));
  }
  sort_by_address(map);
  return std::optional(std::move(map));
}

}  // namespace warmdump
