#include "arm/machine/kernel_hints.h"

#include <algorithm>
#include <charconv>

namespace warmdump {
namespace {

constexpr ByteCount kKallsymsSizeMax = 256 * kMiB;

struct HintSymbol {
  std::string_view symbol;
  const char* hint;
};

// pcpu_hot begins with the pointer that current_task is on other kernels (Linux commit e57ef2ed97c1 ("x86:
// Put hot per CPU variables into a struct") (in v6.2)).
constexpr HintSymbol kSymbols[] = {
    {"__per_cpu_offset", "per_cpu_offset"}, {"__per_cpu_start", "per_cpu_start"},
    {"__per_cpu_end", "per_cpu_end"},       {"current_task", "current_task"},
    {"pcpu_hot", "current_task"},           {"crash_notes", "crash_notes"},
};

std::string_view take_word(std::string_view& line) {
  const std::size_t end = std::min(line.find_first_of(" \t"), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return word;
}

}  // namespace

std::map<std::string, std::uint64_t> hints_in_kallsyms(std::string_view kallsyms) {
  std::map<std::string, std::uint64_t> hints;
  bool shows_addresses = false;
  while (!kallsyms.empty()) {
    std::string_view line = kallsyms.substr(0, kallsyms.find('\n'));
    kallsyms.remove_prefix(std::min(line.size() + 1, kallsyms.size()));
    const std::string_view address_text = take_word(line);
    take_word(line);
    const std::string_view name = take_word(line);
    if (!line.empty()) break;  // modules come last
    std::uint64_t address = 0;
    const char* const end = address_text.data() + address_text.size();
    if (std::from_chars(address_text.data(), end, address, 16).ptr != end) continue;
    // Per-CPU symbols can be zero in earnest; all of them are where addresses are hidden.
    shows_addresses = shows_addresses || (address >> 63) != 0;
    const auto* found = std::find_if(std::begin(kSymbols), std::end(kSymbols),
                                     [name](const HintSymbol& symbol) { return symbol.symbol == name; });
    if (found != std::end(kSymbols)) hints[found->hint] = address;
  }
  if (!shows_addresses) hints.clear();
  return hints;
}

std::map<std::string, std::uint64_t> gather_kernel_hints(const MachineFiles& files) {
  const auto kallsyms = files.read("/proc/kallsyms", kKallsymsSizeMax);
  if (!kallsyms.has_value()) return {};
  auto hints = hints_in_kallsyms(*kallsyms);
  if (hints.empty()) return hints;
  // "0-7" or "0-3,8": the last number is that of the last CPU.
  const std::string possible = files.line_or_empty("/sys/devices/system/cpu/possible");
  const std::size_t last = possible.find_last_of("-,");
  const char* const number = possible.data() + (last == std::string::npos ? 0 : last + 1);
  std::uint64_t cpu = 0;
  const char* const end = possible.data() + possible.size();
  if (number != end && std::from_chars(number, end, cpu).ptr == end) hints["cpu_count"] = cpu + 1;
  return hints;
}

}  // namespace warmdump
