// warmdump plan: where the region should lie, and both kernel command lines.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "arm/crashkernel/crashkernel_rules.h"
#include "arm/estimate/estimated_plan.h"
#include "arm/machine/machine.h"
#include "arm/machine/saved_machine.h"
#include "arm/plan/plan_json.h"
#include "arm/plan/region_plan.h"
#include "cli/command.h"
#include "cli/estimate_report.h"
#include "cli/plan_boot_loader.h"
#include "cli/plan_crashkernel.h"
#include "cli/plan_report.h"
#include "common/hosted/byte_count_text.h"
#include "common/hosted/settings.h"
#include "common/kernel/page_classifier.h"

namespace warmdump {
namespace {

struct PlanOptions {
  std::string size;
  std::string from;
  std::string save;
  std::string memory;
  std::string block_size;
  unsigned dump_level = kDumpLevelMax;
  bool estimate = false;
  std::string crashkernel;
  BootLoaderOptions boot_loader;
  bool json = false;
};

constexpr ByteCount kUsualBlockSize = 128 * kMiB;

Outcome<Machine> machine_of(const PlanOptions& options) {
  std::optional<ByteCount> block_size;
  if (!options.block_size.empty()) {
    block_size = TRY(in_context("--block-size", parse_byte_count(options.block_size)));
  }
  if (options.memory.empty()) return read_machine(MachineFiles(options.from), block_size);
  const ByteCount memory = TRY(in_context("--memory", parse_byte_count(options.memory)));
  if (memory < kMiB || memory > (ByteCount{1} << 52)) {
    return Failure(ErrorCode::invalid, "--memory: between 1M and 4096T, please");
  }
  Machine machine;
  machine.map = plain_pc_memory_map(memory);
  machine.block_size = block_size.value_or(kUsualBlockSize);
  return machine;
}

CrashkernelRules rules_for(const PlanOptions& options, const Machine& machine) {
  // What is only described has no files: the rules are then the newest.
  return crashkernel_rules_of(machine, MachineFiles(options.memory.empty() ? options.from : "/nonexistent"));
}

Outcome<RegionPlan> make_plan(const PlanOptions& options, const Machine& machine) {
  PlanRequest request;
  request.machine = machine;
  const bool is_this_machine = options.memory.empty() && options.from.empty();
  std::string size = options.size;
  std::string place = "--size";
  if (size.empty() && is_this_machine) {
    size = TRY(read_settings()).plan.size.value_or("auto");
    place = fmt::format("{}: size in [plan]", kSettingsPath);
  }
  if (!size.empty() && size != "auto") {
    request.size = TRY(in_context(place, parse_byte_count(size)));
  } else if (is_this_machine) {
    return plan_for_estimate(request, estimate_running_system(options.dump_level));
  }
  return plan_region(request);
}

ExitCode run_estimate(const PlanOptions& options) {
  const auto machine = machine_of(options);
  if (!machine.has_value()) return report_failure(machine.error());
  const auto estimate = estimate_running_system(options.dump_level);
  if (!estimate.has_value()) return report_failure(estimate.error());
  print_estimate(*estimate, machine->block_size, options.json);
  return kExitOk;
}

ExitCode save(const std::string& folder) {
  const auto saved = save_machine(MachineFiles(), folder);
  if (!saved.has_value()) return report_failure(saved.error());
  fmt::print("Saved this machine. Anywhere: warmdump plan --from {}\n", folder);
  return kExitOk;
}

// The plan into the boot loader, or compared with it.
ExitCode plan_boot_loader(const PlanOptions& options, const RegionPlan& plan, const WantedOptions& wanted,
                          const std::string& command_line) {
  if (!plan.instead_of_options.empty()) {
    return report_failure(
        {ErrorCode::unsupported,
         "this machine's kernel makes no region by its command line; `warmdump plan` prints "
         "what its firmware needs"});
  }
  const bool is_this_machine = options.from.empty() && options.memory.empty();
  const BootLoaderOptions& boot_loader = options.boot_loader;
  if (boot_loader.check) return check_boot_loader(boot_loader, wanted, command_line, options.json);
  if (is_this_machine || boot_loader.boot_loader.starts_with("file:")) {
    return apply_to_boot_loader(boot_loader, wanted);
  }
  return report_failure(
      {ErrorCode::invalid, "the plan is for another machine: --apply then needs --boot-loader file:PATH"});
}

ExitCode plan(const PlanOptions& options) {
  if (!options.save.empty()) return save(options.save);
  if (options.estimate) return run_estimate(options);
  if (options.boot_loader.remove) return remove_from_boot_loader(options.boot_loader);
  const auto machine = machine_of(options);
  if (!machine.has_value()) return report_failure(machine.error());
  const CrashkernelRules rules = rules_for(options, *machine);
  if (!options.crashkernel.empty()) {
    return plan_crashkernel(options.crashkernel, *machine, rules, options.json);
  }
  auto plan = make_plan(options, *machine);
  if (!plan.has_value()) return report_failure(plan.error());
  const WantedOptions wanted{plan->region, boot_memory_of(*machine, {plan->region}), rules};
  const std::string command_line = machine->command_line.value_or("");
  if (options.boot_loader.apply || options.boot_loader.check) {
    return plan_boot_loader(options, *plan, wanted, command_line);
  }
  advise_crashkernel(wanted, command_line, *plan);
  if (options.json) {
    fmt::print("{}", plan_json(*plan));
  } else {
    print_plan(*plan);
  }
  return plan->instead_of_options.empty() ? kExitOk : kExitUnsupported;
}

}  // namespace

void register_plan_command(CLI::App& app, ExitCode& exit_code) {
  const auto options = std::make_shared<PlanOptions>();
  CLI::App* command = app.add_subcommand("plan", "Choose the region and print the kernel command lines");
  command->add_option("--size", options->size, "Size of the region, K/M/G suffix; \"auto\": by an estimate")
      ->type_name("SIZE");
  auto* from = command->add_option("--from", options->from, "Plan for the machine saved in this folder")
                   ->type_name("DIR")
                   ->check(CLI::ExistingDirectory);
  auto* memory = command->add_option("--memory", options->memory, "Plan for a PC with this much RAM instead")
                     ->type_name("SIZE")
                     ->excludes(from);
  auto* estimate =
      command->add_flag("--estimate", options->estimate, "Tell how large a dump of this system would be now")
          ->excludes(from)
          ->excludes(memory);
  command
      ->add_option("--dump-level", options->dump_level,
                   "What the dump is to leave out, for the estimate (default: 31)")
      ->type_name("N")
      ->check(CLI::Range(0U, kDumpLevelMax));
  command->add_option("--save", options->save, "Save what planning reads of this machine in a new folder")
      ->type_name("DIR")
      ->excludes(from)
      ->excludes(memory)
      ->excludes(estimate);
  command->add_option("--block-size", options->block_size, "Size of the machine's memory blocks")
      ->type_name("SIZE");
  command
      ->add_option("--crashkernel", options->crashkernel,
                   "Say where the kernel would put the crash kernel with these crashkernel= options")
      ->type_name("TEXT");
  command->add_flag("--json", options->json, "Print JSON");
  add_boot_loader_options(*command, options->boot_loader);
  command->callback([options, &exit_code] { exit_code = plan(*options); });
}

}  // namespace warmdump
