#include "cli/plan_crashkernel.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "arm/crashkernel/crash_kernel_lines.h"
#include "arm/crashkernel/crashkernel_evaluation.h"
#include "cli/command.h"
#include "common/hosted/byte_count_text.h"

namespace warmdump {
namespace {

using Json = nlohmann::ordered_json;

Json json_of(const std::optional<AddressRange>& range, const CrashkernelRules& rules) {
  if (!range) return nullptr;
  return {{"start", range->start}, {"size", range->size}, {"zone", zone_of(range->start, rules)}};
}

Json json_of(const PolicyPlacement& policy, const CrashkernelRules& rules) {
  return {{"place", json_of(policy.range, rules)},
          {"at_offset", policy.at_offset},
          {"failure", policy.failure},
          {"for_this_kernel", policy.for_this_kernel},
          {"untranslatable", policy.untranslatable}};
}

void print_json(const CrashkernelEvaluation& evaluation, const CrashkernelRules& rules,
                const CrashKernelMemory& running) {
  Json options = Json::array();
  for (const CrashkernelOption& option : evaluation.options)
    options.push_back(crashkernel_option_text(option));
  Json present = Json::array();
  for (const AddressRange& range : running.ranges) present.push_back(json_of(range, rules));
  const KernelReading& reading = evaluation.reading;
  const CrashkernelPlacement& placement = evaluation.placement;
  const Json document = {
      {"options", options},
      {"mistakes", evaluation.mistakes},
      {"kernel",
       {{"rules", rules.told_by},
        {"deciding", reading.deciding},
        {"size", reading.size},
        {"offset", reading.offset},
        {"high", reading.high},
        {"low_size", reading.low_size},
        {"cma_size", reading.cma_size},
        {"ignored", reading.ignored}}},
      {"place", json_of(placement.range, rules)},
      {"low", json_of(placement.low, rules)},
      {"fixed", placement.fixed},
      {"slack", placement.slack},
      {"failure", placement.failure},
      {"collisions", placement.collisions},
      {"policy", evaluation.policy ? json_of(*evaluation.policy, rules) : Json(nullptr)},
      {"warnings", evaluation.warnings},
      {"present", present},
      {"loads_into", json_of(running.loaded(), rules)},
  };
  fmt::print("{}\n", document.dump(2));
}

std::string place_text(const AddressRange& range, const CrashkernelRules& rules) {
  return fmt::format("{} at {} (zone {})", exact_byte_count(range.size), address_range_text(range),
                     zone_of(range.start, rules));
}

void print_policy(const PolicyPlacement& policy, const CrashkernelRules& rules) {
  if (!policy.range) {
    fmt::print("As the proposed form: no place, {}\n", policy.failure);
    return;
  }
  fmt::print("As the proposed form: {}{}\n", place_text(*policy.range, rules),
             policy.at_offset ? "" : ", by its policy");
  if (policy.untranslatable.empty()) {
    fmt::print("  for this kernel, write {}\n", policy.for_this_kernel);
  } else {
    fmt::print("  cannot be said to this kernel: {}\n", policy.untranslatable);
  }
}

void print_text(const CrashkernelEvaluation& evaluation, const CrashkernelRules& rules,
                const CrashKernelMemory& running) {
  for (const std::string& mistake : evaluation.mistakes) fmt::print("Not well formed: {}\n", mistake);
  const CrashkernelPlacement& placement = evaluation.placement;
  if (placement.range) {
    fmt::print("Reserved by {}: {}\n", evaluation.reading.deciding, place_text(*placement.range, rules));
    if (placement.low) fmt::print("  with {} for devices\n", place_text(*placement.low, rules));
    if (!placement.fixed) {
      fmt::print(
          "  found by the kernel's search; what early boot takes may push it down by multiples of {}\n",
          exact_byte_count(rules.alignment));
    }
  } else {
    fmt::print("Nothing is reserved: {}\n", placement.failure);
  }
  if (evaluation.policy) print_policy(*evaluation.policy, rules);
  for (const std::string& warning : evaluation.warnings) fmt::print("  warning: {}\n", warning);
  fmt::print("Rules: {}\n", rules.told_by);
  for (const AddressRange& range : running.ranges) {
    fmt::print("Reserved now: {}{}\n", place_text(range, rules),
               range == running.loaded() ? ", where the crash kernel is loaded" : "");
  }
}

}  // namespace

ExitCode plan_crashkernel(const std::string& text, const Machine& machine, const CrashkernelRules& rules,
                          bool json) {
  const bool value_alone = !text.empty() && text.front() >= '0' && text.front() <= '9';
  const std::string command_line = (value_alone ? std::string(kCrashkernelPrefix) : "") + text;
  const CrashkernelEvaluation evaluation =
      evaluate_crashkernel(command_line, boot_memory_of(machine, {}), rules);
  const bool malformed = !evaluation.mistakes.empty() && !evaluation.placement.range;
  const CrashKernelMemory running = crash_kernel_memory(machine.map);
  if (json) {
    print_json(evaluation, rules, running);
  } else if (malformed) {
    return report_failure({ErrorCode::invalid, evaluation.mistakes.front()});
  } else {
    print_text(evaluation, rules, running);
  }
  if (malformed) return kExitUsage;
  return evaluation.placement.range || (evaluation.policy && evaluation.policy->range) ? kExitOk
                                                                                       : kExitFailure;
}

}  // namespace warmdump
