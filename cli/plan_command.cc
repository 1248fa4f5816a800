// warmdump plan: where the region should lie, and both kernel command lines.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "arm/machine/machine_files.h"
#include "arm/plan/region_plan.h"
#include "cli/command.h"
#include "common/hosted/byte_count_text.h"

namespace warmdump {
namespace {

struct PlanOptions {
  std::string size;
  std::string from;
  std::string memory;
  std::string block_size;
  bool json = false;
};

constexpr ByteCount kUsualBlockSize = 128 * kMiB;

Outcome<PlanRequest> machine_of(const PlanOptions& options) {
  PlanRequest request;
  if (!options.memory.empty()) {
    const ByteCount memory = TRY(in_context("--memory", parse_byte_count(options.memory)));
    if (memory < kMiB || memory > (ByteCount{1} << 52)) {
      return Failure(ErrorCode::invalid, "--memory: between 1M and 4096T, please");
    }
    request.map = plain_pc_memory_map(memory);
    request.block_size = kUsualBlockSize;
  } else {
    const bool live = options.from.empty();
    const MachineFiles files(options.from);
    const std::string map_path = live ? "/proc/iomem" : "/iomem";
    const std::string block_path = live ? "/sys/devices/system/memory/block_size_bytes" : "/block_size_bytes";
    const std::string map_text = TRY(files.read(map_path));
    request.map = TRY(in_context(files.path(map_path), parse_memory_map(map_text)));
    if (options.block_size.empty()) {
      const std::string block_text = TRY(files.read(block_path));
      request.block_size = TRY(in_context(files.path(block_path), parse_block_size(block_text)));
    }
  }
  if (!options.block_size.empty()) {
    request.block_size = TRY(in_context("--block-size", parse_byte_count(options.block_size)));
  }
  return request;
}

Outcome<RegionPlan> make_plan(const PlanOptions& options) {
  PlanRequest request = TRY(machine_of(options));
  if (!options.size.empty() && options.size != "auto") {
    request.size = TRY(in_context("--size", parse_byte_count(options.size)));
  }
  return plan_region(request);
}

void print_text(const RegionPlan& plan) {
  fmt::print("Region: {} at {}{}\n", exact_byte_count(plan.region.size), address_range_text(plan.region),
             plan.active ? " (the running kernel has it already)" : "");
  fmt::print(
      "  of {} of RAM, {} come back after every boot; {} never do, and {} of RAM describe the region\n",
      readable_byte_count(plan.ram_size), readable_byte_count(plan.returned_size),
      readable_byte_count(plan.never_returned), readable_byte_count(plan.struct_page_size));
  for (const std::string& warning : plan.warnings) fmt::print("  warning: {}\n", warning);
  if (!plan.refused.empty()) fmt::print("Not there:\n");
  for (const RefusedPlace& place : plan.refused) {
    fmt::print("  {}: {}\n", address_range_text(place.range), place.reason);
  }
  fmt::print(
      "\nAdd to the kernel command line (GRUB: GRUB_CMDLINE_LINUX in /etc/default/grub, then update-grub), "
      "and "
      "reboot:\n  {}\n",
      plan.running_options);
  fmt::print("\n`warmdump arm` gives the crash kernel:\n  {}\n", plan.crash_options);
}

void print_json(const RegionPlan& plan) {
  nlohmann::ordered_json refused = nlohmann::ordered_json::array();
  for (const RefusedPlace& place : plan.refused) {
    refused.push_back({{"start", place.range.start}, {"size", place.range.size}, {"reason", place.reason}});
  }
  const nlohmann::ordered_json document = {
      {"region", {{"start", plan.region.start}, {"size", plan.region.size}}},
      {"active", plan.active},
      {"memory_block_size", plan.block_size},
      {"ram_size", plan.ram_size},
      {"returned_size", plan.returned_size},
      {"never_returned", plan.never_returned},
      {"struct_page_size", plan.struct_page_size},
      {"running_command_line", plan.running_options},
      {"crash_command_line", plan.crash_options},
      {"warnings", plan.warnings},
      {"refused", refused},
  };
  fmt::print("{}\n", document.dump(2));
}

}  // namespace

void register_plan_command(CLI::App& app, ExitCode& exit_code) {
  const auto options = std::make_shared<PlanOptions>();
  CLI::App* command = app.add_subcommand("plan", "Choose the region and print the kernel command lines");
  command->add_option("--size", options->size, "Size of the region, K/M/G suffix; \"auto\": 1/16 of RAM")
      ->type_name("SIZE");
  auto* from =
      command->add_option("--from", options->from, "Read iomem and block_size_bytes from this folder")
          ->type_name("DIR");
  command->add_option("--memory", options->memory, "Plan for a PC with this much RAM instead")
      ->type_name("SIZE")
      ->excludes(from);
  command->add_option("--block-size", options->block_size, "Size of the machine's memory blocks")
      ->type_name("SIZE");
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([options, &exit_code] {
    const auto plan = make_plan(*options);
    if (!plan.has_value()) {
      exit_code = report_failure(plan.error());
    } else if (options->json) {
      print_json(*plan);
    } else {
      print_text(*plan);
    }
  });
}

}  // namespace warmdump
