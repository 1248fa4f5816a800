#include "arm/machine/memory_options.h"

#include <algorithm>

#include "arm/machine/command_line.h"

namespace warmdump {
namespace {

void take_memmap(std::string_view items, MemoryOptions& options) {
  while (!items.empty()) {
    const std::string_view item = items.substr(0, items.find(','));
    items.remove_prefix(std::min(item.size() + 1, items.size()));
    if (item.find_first_of("!#$") != std::string_view::npos) ++options.memmap_items;
  }
}

}  // namespace

MemoryOptions memory_options_of(std::string_view command_line) {
  MemoryOptions options;
  for (const std::string_view option : command_line_options(command_line)) {
    if (option.starts_with("memmap=")) take_memmap(option.substr(7), options);
    options.movable_node = options.movable_node || option == "movable_node";
    options.movable_split =
        options.movable_split || option.starts_with("movablecore=") || option.starts_with("kernelcore=");
    options.affinity_ignored =
        options.affinity_ignored || option == "numa=off" || option == "numa=noacpi" || option == "acpi=off";
    options.no_randomisation = options.no_randomisation || option == "nokaslr";
  }
  return options;
}

}  // namespace warmdump
