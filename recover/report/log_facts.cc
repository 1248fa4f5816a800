#include "recover/report/log_facts.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "recover/report/crash_trace.h"

namespace warmdump {
namespace {

constexpr std::size_t kTraceLinesMax = 64;
constexpr std::size_t kRegisterLinesMax = 12;
// An oops and the panic that follows from it stand this close together.
constexpr std::size_t kRecordsOfACrash = 400;
constexpr std::uint64_t kNanosecondsOfACrash = 10'000'000'000;

constexpr std::array<std::string_view, 6> kFirstLines = {
    "BUG: ",  "kernel BUG at ", "Unable to handle kernel ", "general protection fault",
    "Oops: ", "watchdog: BUG: "};
constexpr std::array<std::string_view, 12> kRegisterLines = {
    "RSP:", "RAX:", "RDX:", "RBP:", "R10:", "R13:", "FS:", "CS:", "CR2:", "DR0:", "DR3:", "PKRU:"};

constexpr std::string_view kInstruction = "RIP: ";
constexpr std::string_view kInstructionOfUser = "RIP: 0033:";  // by its code segment

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(' ') + 1 - first);
}

// What stands behind `label` in the first record that has it.
std::string text_behind(const PrintkLog& log, std::string_view label) {
  for (const PrintkRecord& record : log.records) {
    const std::string_view text = record.text;
    if (text.starts_with(label)) return std::string(trimmed(text.substr(label.size())));
  }
  return {};
}

template <std::size_t kCount>
bool starts_with_any(std::string_view text, const std::array<std::string_view, kCount>& words) {
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return text.starts_with(word); });
}

std::optional<std::size_t> find_panic(const PrintkLog& log) {
  const std::string panic = find_panic_text(log);
  if (panic.empty()) return std::nullopt;
  // find_panic_text() shows other characters as '?': the beginning is enough.
  const std::string start = panic.substr(0, panic.find('?'));
  for (std::size_t index = log.records.size(); index-- > 0;) {
    if (log.records[index].text.find(start) != std::string::npos) return index;
  }
  return std::nullopt;
}

// The oops that led to the panic, or the panic itself.
std::size_t find_beginning(const PrintkLog& log, std::size_t panic) {
  const PrintkRecord& end = log.records[panic];
  std::size_t beginning = panic;
  for (std::size_t index = panic; index-- > 0 && panic - index < kRecordsOfACrash;) {
    const PrintkRecord& record = log.records[index];
    if (record.time_ns + kNanosecondsOfACrash < end.time_ns) break;
    if (record.caller_id == end.caller_id && starts_with_any(trimmed(record.text), kFirstLines))
      beginning = index;
  }
  return beginning;
}

// The lines of one processor or thread from a record on: others may have logged in between.
std::vector<std::string_view> lines_from(const PrintkLog& log, std::size_t beginning) {
  std::vector<std::string_view> lines;
  const std::uint32_t caller = log.records[beginning].caller_id;
  for (std::size_t index = beginning; index < log.records.size(); ++index) {
    if (log.records[index].caller_id != caller) continue;
    std::string_view text = log.records[index].text;
    while (!text.empty()) {
      const std::string_view line = text.substr(0, text.find('\n'));
      text.remove_prefix(std::min(line.size() + 1, text.size()));
      lines.push_back(trimmed(line));
    }
  }
  return lines;
}

std::optional<TraceLine> trace_line(std::string_view line) {
  if (line.starts_with('<') && line.ends_with('>')) return TraceLine{std::string(line), false, true};
  const bool certain = !line.starts_with("? ");
  if (!certain) line = trimmed(line.substr(2));
  const std::size_t plus = line.find("+0x");
  const std::size_t slash = line.find("/0x", plus == std::string_view::npos ? 0 : plus);
  const bool is_frame = plus != 0 && plus != std::string_view::npos && slash != std::string_view::npos &&
                        line.find(' ') > slash;
  if (!is_frame) return std::nullopt;
  return TraceLine{std::string(line), true, certain};
}

std::vector<TraceLine> first_trace(const std::vector<std::string_view>& lines) {
  std::vector<TraceLine> trace;
  auto line = std::find(lines.begin(), lines.end(), "Call Trace:");
  while (line != lines.end() && ++line != lines.end() && trace.size() < kTraceLinesMax) {
    auto parsed = trace_line(*line);
    if (!parsed) break;
    trace.push_back(std::move(*parsed));
  }
  return trace;
}

void read_processor_line(std::string_view line, LogFacts& facts) {
  const std::size_t tainted = std::min(line.find("Not tainted"), line.find("Tainted: "));
  facts.process = trimmed(line.substr(0, tainted));
  if (tainted == std::string_view::npos) return;
  std::string_view taint = line.substr(tainted);
  // "Tainted: G        W  OE      6.1.0-13-amd64 #1 Debian ...": the letters end where the release begins.
  const std::size_t release = taint.find_first_of("0123456789");
  facts.tainted = trimmed(taint.substr(0, release));
}

}  // namespace

LogFacts read_log_facts(const PrintkLog& log) {
  LogFacts facts;
  facts.hardware = text_behind(log, "DMI: ");
  facts.command_line = text_behind(log, "Command line: ");
  if (facts.command_line.empty()) facts.command_line = text_behind(log, "Kernel command line: ");
  if (!log.records.empty()) facts.up_ns = log.records.back().time_ns;
  facts.panic_record = find_panic(log);
  if (!facts.panic_record) return facts;

  facts.up_ns = log.records[*facts.panic_record].time_ns;
  const auto lines = lines_from(log, find_beginning(log, *facts.panic_record));
  for (const std::string_view line : lines) {
    if (facts.process.empty() && line.starts_with("CPU: ")) {
      read_processor_line(line, facts);
    } else if (facts.hardware.empty() && line.starts_with("Hardware name: ")) {
      facts.hardware = line.substr(15);
    } else if (facts.modules.empty() && line.starts_with("Modules linked in: ")) {
      facts.modules = trimmed(line.substr(19));
    } else if (facts.instruction.empty() && line.starts_with(kInstruction) &&
               !line.starts_with(kInstructionOfUser)) {
      facts.instruction = line;
    } else if (!facts.instruction.empty() && line.starts_with(kInstruction)) {
      break;  // the same once more, or the registers of user space
    } else if (!facts.instruction.empty() && facts.registers.size() < kRegisterLinesMax &&
               starts_with_any(line, kRegisterLines)) {
      facts.registers.emplace_back(line);
    }
  }
  facts.trace = first_trace(lines);
  return facts;
}

}  // namespace warmdump
