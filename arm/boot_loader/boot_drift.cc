#include "arm/boot_loader/boot_drift.h"

#include <fmt/format.h>

#include <algorithm>

#include "arm/machine/command_line.h"
#include "arm/machine/memory_options.h"
#include "common/hosted/byte_count_text.h"

namespace warmdump {

void advise_crashkernel(const WantedOptions& wanted, std::string_view command_line, RegionPlan& plan) {
  if (!plan.instead_of_options.empty()) return;
  const CrashkernelAdvice advice =
      advise_crashkernel(command_line, wanted.memory, wanted.rules, wanted.crashkernel_size);
  plan.running_options = fmt::format("memmap={} {}", memmap_value(wanted.region), advice.options);
  if (!advice.evaluation.placement.range) plan.warnings.push_back(advice.evaluation.placement.failure);
  for (const std::string& warning : advice.evaluation.warnings) plan.warnings.push_back(warning);
}

std::string too_many_memmap_items(std::string_view command_line) {
  const unsigned items = memory_options_of(command_line).memmap_items;
  if (items <= kMemmapItemsMax) return {};
  return fmt::format(
      "it has {} items of memmap=: address randomisation knows {} and may put the kernel into the region; "
      "add "
      "nokaslr",
      items, kMemmapItemsMax);
}

std::vector<std::string> words_for(const WantedOptions& wanted, std::string_view command_line) {
  std::vector<std::string> words = {"memmap=" + memmap_value(wanted.region)};
  const CrashkernelAdvice advice =
      advise_crashkernel(command_line, wanted.memory, wanted.rules, wanted.crashkernel_size);
  if (!advice.kept) {
    for (const std::string_view word : command_line_options(advice.options)) words.emplace_back(word);
  }
  return words;
}

std::vector<std::string> drift_of(const WantedOptions& wanted, std::string_view command_line) {
  std::vector<std::string> drift;
  const auto regions = regions_of_command_line(command_line);
  if (!regions.has_value()) {
    drift.push_back(regions.error().message);
  } else {
    if (std::find(regions->begin(), regions->end(), wanted.region) == regions->end()) {
      drift.push_back(fmt::format("memmap={} is missing", memmap_value(wanted.region)));
    }
    for (const AddressRange& region : *regions) {
      if (region != wanted.region) {
        drift.push_back(fmt::format("memmap={} is not the planned region", memmap_value(region)));
      }
    }
    if (std::count(regions->begin(), regions->end(), wanted.region) > 1) {
      drift.push_back(fmt::format("memmap={} is there more than once", memmap_value(wanted.region)));
    }
  }
  if (std::string note = too_many_memmap_items(command_line); !note.empty()) drift.push_back(std::move(note));
  const CrashkernelEvaluation evaluation =
      evaluate_crashkernel(command_line, wanted.memory, wanted.rules, wanted.crashkernel_size);
  if (!evaluation.placement.range) {
    drift.push_back(evaluation.placement.failure);
  } else if (evaluation.reserved_size() < wanted.crashkernel_size) {
    drift.push_back(fmt::format("{} reserves {} for the crash kernel, {} are wanted",
                                evaluation.reading.deciding, readable_byte_count(evaluation.reserved_size()),
                                readable_byte_count(wanted.crashkernel_size)));
  }
  return drift;
}

}  // namespace warmdump
