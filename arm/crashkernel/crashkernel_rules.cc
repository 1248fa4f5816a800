#include "arm/crashkernel/crashkernel_rules.h"

#include <algorithm>

#include "arm/crashkernel/memory_amount.h"
#include "arm/machine/command_line.h"

namespace warmdump {
namespace {

constexpr ByteCount kSwiotlbSlab = 2 * kKiB;
constexpr ByteCount kSwiotlbDefault = 64 * kMiB;
constexpr ByteCount kOtherLowBuffers = 8 * kMiB;
constexpr ByteCount kLowSizeMin = 256 * kMiB;
constexpr ByteCount kKallsymsMax = 64 * kMiB;

bool names_function(std::string_view kallsyms, std::string_view name) {
  for (std::size_t at = kallsyms.find(name); at != std::string_view::npos; at = kallsyms.find(name, at + 1)) {
    const bool begins = at > 0 && kallsyms[at - 1] == ' ';
    const std::size_t end = at + name.size();
    if (begins && (end == kallsyms.size() || kallsyms[end] == '\n' || kallsyms[end] == '\t')) return true;
  }
  return false;
}

}  // namespace

CrashkernelRules older_x86_64_rules() {
  CrashkernelRules rules;
  rules.common_code = false;
  rules.knows_cma = false;
  rules.fixed_alignment = kMiB;
  return rules;
}

CrashkernelRules common_x86_64_rules(bool knows_cma) {
  CrashkernelRules rules;
  rules.knows_cma = knows_cma;
  return rules;
}

// arch/arm64/include/asm/crash_reserve.h: the low limit is that of DMA, 4 GiB but for few machines.
CrashkernelRules common_arm64_rules(bool knows_cma) {
  CrashkernelRules rules;
  rules.architecture = Architecture::arm64;
  rules.knows_cma = knows_cma;
  rules.alignment = 2 * kMiB;
  rules.fixed_alignment = 2 * kMiB;
  rules.high_end = PhysicalAddress{1} << 52;
  rules.default_low_size = 128 * kMiB;
  return rules;
}

CrashkernelRules crashkernel_rules_of(const Machine& machine, const MachineFiles& files) {
  const auto kallsyms = files.read("/proc/kallsyms", kKallsymsMax);
  const bool known = kallsyms.has_value() && names_function(*kallsyms, "parse_crashkernel");
  const bool older = known && names_function(*kallsyms, "parse_crashkernel_high");
  // CRASHKERNEL_CMA: the function is there for every architecture, the ranges with it.
  const bool cma = !known || names_function(*kallsyms, "reserve_crashkernel_cma");
  CrashkernelRules rules;
  if (machine.architecture == Architecture::arm64) {
    rules = common_arm64_rules(cma);
  } else {
    rules = older ? older_x86_64_rules() : common_x86_64_rules(cma);
    rules.default_low_size = x86_64_default_low_size(machine.command_line.value_or(""));
  }
  rules.told_by = !known  ? "no /proc/kallsyms to tell the kernel's rules by: the newest are taken"
                  : older ? "the kernel has parse_crashkernel_high(): the older rules"
                  : cma   ? "the kernel has reserve_crashkernel_cma(): the newest rules"
                          : "the kernel has no parse_crashkernel_high(): the common rules, without ,cma";
  return rules;
}

ByteCount x86_64_default_low_size(std::string_view command_line) {
  constexpr std::string_view kPrefix = "swiotlb=";
  ByteCount swiotlb = kSwiotlbDefault;
  for (const std::string_view option : command_line_options(command_line)) {
    if (!option.starts_with(kPrefix)) continue;
    const MemoryAmount slabs = read_memory_amount(option.substr(kPrefix.size()));
    constexpr ByteCount kSlabsMax = ByteCount{1} << 40;
    if (slabs.has_digits && slabs.value != 0 && slabs.value < kSlabsMax) swiotlb = slabs.value * kSwiotlbSlab;
  }
  return std::max(swiotlb + kOtherLowBuffers, kLowSizeMin);
}

}  // namespace warmdump
