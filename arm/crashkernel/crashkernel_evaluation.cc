#include "arm/crashkernel/crashkernel_evaluation.h"

#include <fmt/format.h>

#include "arm/machine/command_line.h"
#include "common/hosted/byte_count_text.h"

namespace warmdump {
namespace {

void parse_options(std::string_view command_line, CrashkernelEvaluation& evaluation) {
  for (const std::string_view option : command_line_options(command_line)) {
    if (!option.starts_with(kCrashkernelPrefix)) continue;
    auto parsed = parse_crashkernel_option(option);
    if (parsed.has_value()) {
      evaluation.options.push_back(*parsed);
    } else {
      evaluation.mistakes.push_back(parsed.error().message);
    }
  }
}

void evaluate_policy(const BootMemory& memory, const CrashkernelRules& rules,
                     CrashkernelEvaluation& evaluation) {
  for (const CrashkernelOption& option : evaluation.options) {
    const bool is_proposed_form = option.offset && (!option.policies.empty() || *option.offset == 0);
    if (is_proposed_form && option.ranges.empty()) evaluation.policy = place_by_policy(option, memory, rules);
  }
}

class Warnings {
 public:
  Warnings(std::string_view command_line, const BootMemory& memory, const CrashkernelRules& rules,
           CrashkernelEvaluation& evaluation)
      : command_line_(command_line), memory_(memory), rules_(rules), evaluation_(evaluation) {}

  void gather(ByteCount wanted) {
    for (const std::string& ignored : evaluation_.reading.ignored) {
      add(fmt::format("the kernel ignores {}", ignored));
    }
    about_size(wanted);
    about_low_memory();
    about_policies();
    about_cma();
    about_rounding();
    for (const std::string& collision : evaluation_.placement.collisions) add(collision);
  }

 private:
  void about_size(ByteCount wanted) {
    const ByteCount size = evaluation_.reserved_size();
    if (size == 0 || size >= wanted) return;
    add(fmt::format("{} are too small for a crash kernel: write crashkernel={}", readable_byte_count(size),
                    exact_byte_count(wanted)));
  }

  void about_low_memory() {
    const CrashkernelPlacement& placement = evaluation_.placement;
    if (!placement.range || placement.range->start < rules_.low_end) return;
    if (!placement.low) {
      add(fmt::format(
          "the crash kernel has no memory below {:#x}, so no swiotlb: devices that reach only 32 bits of "
          "address, and any DMA under memory encryption, fail in it. The capture needs none; drivers of "
          "another kdump do: add crashkernel={},low",
          rules_.low_end, exact_byte_count(rules_.default_low_size)));
    } else if (!evaluation_.reading.high && placement.fixed) {
      add(fmt::format(
          "this kernel takes {} of low memory beside an offset above {:#x}; crashkernel=0,low keeps it "
          "from that",
          readable_byte_count(placement.low->size), rules_.low_end));
    }
  }

  void about_policies() {
    for (const CrashkernelOption& option : evaluation_.options) {
      if (option.policies.empty()) continue;
      add(fmt::format("no kernel of today has the policies of {}: it reads the offset, and nothing behind it",
                      crashkernel_option_text(option)));
    }
  }

  void about_cma() {
    if (evaluation_.reading.cma_size != 0) {
      add(fmt::format(
          "of the {} of ,cma: user memory that lies there is not in the dump; the panic waits 10 s for "
          "DMA before the crash kernel starts, and DMA that goes on longer writes into it",
          readable_byte_count(evaluation_.reading.cma_size)));
    }
    if (rules_.knows_cma) return;
    for (const CrashkernelOption& option : evaluation_.options) {
      if (option.suffix != CrashkernelSuffix::cma) continue;
      add("this kernel does not know ,cma: if such an option is the last one without ,high or ,low, the "
          "kernel "
          "reserves nothing at all");
      return;
    }
  }

  void about_rounding() {
    if (rules_.knows_cma) return;
    CrashkernelRules other = rules_;
    other.rounds_ram_up = !rules_.rounds_ram_up;
    const KernelReading reading = read_crashkernel_as_kernel(command_line_, memory_.ram_size(), other);
    if (reading.size == evaluation_.reading.size) return;
    add(fmt::format(
        "RAM is just below the border of a range: some kernels round it up to 128 MiB before they "
        "compare, which gives {} instead of {}. Move the border, or write a size without ranges",
        readable_byte_count(reading.size), readable_byte_count(evaluation_.reading.size)));
  }

  void add(std::string warning) { evaluation_.warnings.push_back(std::move(warning)); }

  std::string_view command_line_;
  const BootMemory& memory_;
  const CrashkernelRules& rules_;
  CrashkernelEvaluation& evaluation_;
};

}  // namespace

CrashkernelEvaluation evaluate_crashkernel(std::string_view command_line, const BootMemory& memory,
                                           const CrashkernelRules& rules, ByteCount wanted) {
  CrashkernelEvaluation evaluation;
  parse_options(command_line, evaluation);
  evaluation.reading = read_crashkernel_as_kernel(command_line, memory.ram_size(), rules);
  evaluation.placement = place_crashkernel(evaluation.reading, memory, rules);
  evaluate_policy(memory, rules, evaluation);
  Warnings(command_line, memory, rules, evaluation).gather(wanted);
  return evaluation;
}

}  // namespace warmdump
