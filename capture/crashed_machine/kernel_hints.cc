#include "capture/crashed_machine/kernel_hints.h"

namespace warmdump {
namespace {

struct HintName {
  std::string_view name;
  std::uint64_t KernelHints::*member;
};

constexpr HintName kHints[] = {
    {"per_cpu_offset", &KernelHints::per_cpu_offset}, {"per_cpu_start", &KernelHints::per_cpu_start},
    {"per_cpu_end", &KernelHints::per_cpu_end},       {"current_task", &KernelHints::current_task},
    {"crash_notes", &KernelHints::crash_notes},       {"cpu_count", &KernelHints::cpu_count},
};

}  // namespace

bool set_hint(KernelHints& hints, std::string_view name, std::uint64_t value) {
  for (const HintName& hint : kHints) {
    if (hint.name != name) continue;
    hints.*hint.member = value;
    return true;
  }
  return false;
}

}  // namespace warmdump
