#include "cli/plan_report.h"

#include <fmt/format.h>

#include "common/hosted/byte_count_text.h"

namespace warmdump {

void print_plan(const RegionPlan& plan) {
  fmt::print("Region: {} at {}{}\n", exact_byte_count(plan.region.size), address_range_text(plan.region),
             plan.active ? " (the running kernel has it already)" : "");
  fmt::print(
      "  of {} of RAM, {} come back after every boot; {} never do, and {} of RAM describe the region\n",
      readable_byte_count(plan.ram_size), readable_byte_count(plan.returned_size),
      readable_byte_count(plan.never_returned), readable_byte_count(plan.struct_page_size));
  fmt::print("Why there:\n");
  for (const std::string& reason : plan.reasons) fmt::print("  {}\n", reason);
  if (plan.runner_up) fmt::print("Next best: {}\n", address_range_text(*plan.runner_up));
  for (const std::string& warning : plan.warnings) fmt::print("Warning: {}\n", warning);
  for (const std::string& sentence : plan.unknown) fmt::print("Unknown: {}\n", sentence);
  if (!plan.refused.empty()) fmt::print("Not there:\n");
  for (const RefusedPlace& place : plan.refused) {
    fmt::print("  {}: {}\n", address_range_text(place.range), place.reason);
  }
  if (!plan.instead_of_options.empty()) {
    fmt::print(
        "\nThis kernel has no memmap=size!start: only its firmware can make the region. In a device tree, "
        "with "
        "the range taken out of /memory:\n  {}\nWith ACPI, a persistent memory range of that place in the "
        "NFIT.\n",
        plan.instead_of_options);
    return;
  }
  fmt::print(
      "\nFor the kernel command line (`warmdump plan --apply` puts them into GRUB or systemd-boot), then "
      "reboot:\n  {}\n",
      plan.running_options);
  fmt::print("\n`warmdump arm` gives the crash kernel:\n  {}\n", plan.crash_options);
}

}  // namespace warmdump
