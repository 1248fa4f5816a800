#include "arm/machine/command_line.h"

#include <fmt/format.h>

#include "common/hosted/byte_count_text.h"

namespace warmdump {
namespace {

bool blank(char character) {
  return character == ' ' || character == '\t' || character == '\n';
}

}  // namespace

std::string memmap_value(const AddressRange& region) {
  return fmt::format("{}!{:#x}", exact_byte_count(region.size), region.start);
}

Outcome<std::vector<AddressRange>> regions_of_command_line(std::string_view command_line) {
  constexpr std::string_view kPrefix = "memmap=";
  std::vector<AddressRange> regions;
  for (std::string_view option : command_line_options(command_line)) {
    if (!option.starts_with(kPrefix)) continue;
    option.remove_prefix(kPrefix.size());
    while (!option.empty()) {
      const std::string_view item = option.substr(0, option.find(','));
      option.remove_prefix(std::min(item.size() + 1, option.size()));
      const auto mark = item.find('!');
      if (mark == std::string_view::npos) continue;
      const auto size = parse_byte_count(item.substr(0, mark));
      const auto start = parse_byte_count(item.substr(mark + 1));
      if (!size.has_value() || !start.has_value() || *size == 0 || *start + *size < *start) {
        return Failure(ErrorCode::invalid,
                       fmt::format("memmap={} on the kernel command line is not size!start", item));
      }
      regions.push_back({*start, *size});
    }
  }
  return regions;
}

std::vector<std::string_view> command_line_options(std::string_view command_line) {
  std::vector<std::string_view> options;
  std::size_t start = 0;
  bool quoted = false;
  for (std::size_t i = 0; i <= command_line.size(); ++i) {
    const bool end = i == command_line.size() || (!quoted && blank(command_line[i]));
    if (!end) {
      if (command_line[i] == '"') quoted = !quoted;
      continue;
    }
    const std::string_view option = command_line.substr(start, i - start);
    if (option == "--") break;
    if (!option.empty()) options.push_back(option);
    start = i + 1;
  }
  return options;
}

}  // namespace warmdump
