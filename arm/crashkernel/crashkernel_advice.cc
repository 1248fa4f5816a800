#include "arm/crashkernel/crashkernel_advice.h"

#include <fmt/format.h>

#include "arm/machine/command_line.h"
#include "common/hosted/byte_count_text.h"

namespace warmdump {
namespace {

// Low memory for a crash kernel that cannot have the default: swiotlb's 64 MiB and 8 MiB for small buffers.
constexpr ByteCount kLowSizeMin = 72 * kMiB;

std::string options_of(std::string_view command_line) {
  std::string options;
  for (const std::string_view option : command_line_options(command_line)) {
    if (!option.starts_with(kCrashkernelPrefix)) continue;
    if (!options.empty()) options += ' ';
    options += option;
  }
  return options;
}

}  // namespace

CrashkernelAdvice advise_crashkernel(std::string_view command_line, const BootMemory& memory,
                                     const CrashkernelRules& rules, ByteCount wanted) {
  CrashkernelAdvice advice;
  const std::string present = options_of(command_line);
  std::string shortcoming = "there is none";
  if (!present.empty()) {
    advice.evaluation = evaluate_crashkernel(present, memory, rules, wanted);
    const ByteCount size = advice.evaluation.reserved_size();
    if (size >= wanted) {
      advice.options = present;
      advice.kept = true;
      advice.reason = fmt::format("{} reserves {}, which is enough", present, readable_byte_count(size));
      return advice;
    }
    shortcoming = size != 0 ? fmt::format("{} reserves only {}", present, readable_byte_count(size))
                            : advice.evaluation.placement.failure;
  }
  const std::string text = exact_byte_count(wanted);
  const std::string low = exact_byte_count(kLowSizeMin);
  const std::string candidates[] = {
      fmt::format("crashkernel={}", text),
      fmt::format("crashkernel={},high crashkernel={},low", text, low),
      fmt::format("crashkernel={},high crashkernel=0,low", text),
  };
  for (const std::string& candidate : candidates) {
    advice.options = candidate;
    advice.evaluation = evaluate_crashkernel(candidate, memory, rules, wanted);
    if (advice.evaluation.placement.range) break;
  }
  if (!advice.evaluation.placement.range) {
    advice.options = candidates[0];
    advice.evaluation = evaluate_crashkernel(candidates[0], memory, rules, wanted);
  }
  advice.reason = shortcoming;
  return advice;
}

}  // namespace warmdump
