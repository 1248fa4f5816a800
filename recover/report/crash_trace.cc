#include "recover/report/crash_trace.h"

#include <algorithm>
#include <optional>

#include "recover/report/crash_reason.h"

namespace warmdump {
namespace {

constexpr std::uint64_t kIncidentNs = 10'000'000'000;
constexpr std::size_t kFramesMax = 128;
constexpr std::size_t kNameSizeMax = 512;  // KSYM_NAME_LEN
constexpr std::string_view kPanicLine = "Kernel panic - not syncing: ";
constexpr std::string_view kEndLine = "---[ end ";  // says it again, behind the trace

struct Line {
  std::uint64_t time_ns;
  std::string_view text;
};

std::vector<Line> lines_of(const PrintkLog& log) {
  std::vector<Line> lines;
  for (const PrintkRecord& record : log.records) {
    std::string_view rest = record.text;
    while (!rest.empty()) {
      const std::string_view text = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(std::min(text.size() + 1, rest.size()));
      lines.push_back({record.time_ns, text});
    }
  }
  return lines;
}

std::string harmless(std::string_view text) {
  std::string line(text);
  std::replace_if(
      line.begin(), line.end(),
      [](char character) { return (character < 0x20 && character != '\t') || character == 0x7f; }, '?');
  return line;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  return first == std::string_view::npos ? "" : text.substr(first);
}

bool is_name_character(char character) {
  return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
         (character >= '0' && character <= '9') || character == '_' || character == '.' || character == '$';
}

// The name in "name+0x1f/0x80 ..."; empty when the text does not start like that.
std::string_view symbol_at_start(std::string_view text) {
  const auto* end = std::find_if_not(text.begin(), text.end(), is_name_character);
  const std::string_view name = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  const bool is_symbol =
      !name.empty() && name.size() <= kNameSizeMax && text.substr(name.size()).starts_with("+0x");
  return is_symbol ? name : "";
}

// "[<ffffffff81000000>] ", which kernels before 4.10 print and some still do.
std::string_view without_address(std::string_view text) {
  if (!text.starts_with("[<")) return text;
  const std::size_t end = text.find(">]");
  return end == std::string_view::npos ? text : trimmed(text.substr(end + 2));
}

// The function in "RIP: 0010:name+0x1/0x2", but for the selector that user programs have.
std::optional<std::string_view> function_in_registers(std::string_view text) {
  const std::size_t start = text.find("RIP: ");
  if (start == std::string_view::npos) return std::nullopt;
  std::string_view rest = text.substr(start + 5);
  const std::size_t colon = rest.find(':');
  if (colon != 4) return std::nullopt;
  rest = rest.substr(colon + 1);
  for (int address = 0; address < 2; ++address) rest = without_address(rest);
  const std::string_view name = symbol_at_start(rest);
  return name.empty() ? std::nullopt : std::optional(name);
}

bool is_trace_start(std::string_view text) {
  return text.ends_with("Call Trace:") || text.ends_with("Call trace:") || text.ends_with("Backtrace:");
}

// Lines that stand between the frames of one trace: where a stack ends and the next begins, and registers.
bool is_between_frames(std::string_view text) {
  static constexpr std::string_view kStarts[] = {
      "<",     "?",     "Code: ", "RSP: ", "RAX: ", "RDX: ",     "RBP: ",
      "R10: ", "R13: ", "FS: ",   "CS: ",  "CR2: ", "RIP: 0010:"};
  return std::any_of(std::begin(kStarts), std::end(kStarts),
                     [&](std::string_view start) { return text.starts_with(start); });
}

// However deep a recursion went, it is told by two frames.
void add_frame(std::vector<std::string>& frames, std::string_view name) {
  const std::size_t count = frames.size();
  if (count < 2 || frames[count - 1] != name || frames[count - 2] != name) frames.emplace_back(name);
}

std::vector<std::string> frames_after(const std::vector<Line>& lines, std::size_t start) {
  std::vector<std::string> frames;
  for (std::size_t i = start + 1; i < lines.size() && frames.size() < kFramesMax; ++i) {
    const std::string_view text = without_address(trimmed(lines[i].text));
    if (const std::string_view name = symbol_at_start(text); !name.empty()) {
      add_frame(frames, name);
    } else if (const auto interrupted = function_in_registers(text)) {
      add_frame(frames, *interrupted);  // before its callers; as a frame it is an uncertain one
    } else if (!is_between_frames(text)) {
      break;
    }
  }
  return frames;
}

struct Incident {
  const CrashReason* reason = nullptr;
  std::size_t line = 0;  // of the reason
};

// `panic`: where the panic is, or the end. Earliest fault of the last ten seconds, else the last one.
Incident find_last_fault(const std::vector<Line>& lines, std::size_t panic) {
  const std::uint64_t end_ns = panic < lines.size() ? lines[panic].time_ns
                               : lines.empty()      ? 0
                                                    : lines.back().time_ns;
  Incident incident;
  for (std::size_t i = panic; i-- > 0;) {
    const bool is_recent = end_ns - std::min(end_ns, lines[i].time_ns) <= kIncidentNs;
    if (incident.reason != nullptr && !is_recent) break;
    if (const CrashReason* reason = find_fault(lines[i].text)) incident = {reason, i};
  }
  return incident;
}

Incident find_incident(const std::vector<Line>& lines) {
  for (std::size_t i = lines.size(); i-- > 0;) {
    const std::size_t found = lines[i].text.find(kPanicLine);
    if (found == std::string_view::npos || lines[i].text.starts_with(kEndLine)) continue;
    const CrashReason* reason = find_panic_reason(lines[i].text.substr(found + kPanicLine.size()));
    if (reason != nullptr) return {reason, i};
    const Incident fault = find_last_fault(lines, i);
    return fault.reason == nullptr ? Incident{&kOtherPanic, i} : fault;
  }
  return find_last_fault(lines, lines.size());
}

// Lines that tell why a kernel died, the most telling first.
constexpr std::string_view kPanicTexts[] = {
    kPanicLine, "BUG: ",           "kernel BUG at ", "Unable to handle kernel ", "general protection fault",
    "Oops: ",   "watchdog: BUG: ",
};

}  // namespace

CrashTrace find_crash_trace(const PrintkLog& log) {
  const std::vector<Line> lines = lines_of(log);
  const Incident incident = find_incident(lines);
  CrashTrace trace;
  if (incident.reason == nullptr) return trace;
  trace.reason = incident.reason->word;
  for (std::size_t i = incident.line; i < lines.size(); ++i) {
    if (is_trace_start(lines[i].text)) {
      trace.frames = frames_after(lines, i);
      break;
    }
    const auto function = function_in_registers(lines[i].text);
    if (function && trace.function.empty()) {
      trace.registers = harmless(lines[i].text.substr(lines[i].text.find("RIP: ")));
      trace.function = *function;
    }
  }
  return trace;
}

std::string find_panic_text(const PrintkLog& log) {
  for (const std::string_view reason : kPanicTexts) {
    for (auto record = log.records.rbegin(); record != log.records.rend(); ++record) {
      const std::size_t start = record->text.rfind(reason);
      if (start == std::string::npos || record->text.starts_with(kEndLine)) continue;
      const std::string_view rest = std::string_view(record->text).substr(start);
      std::string line = harmless(rest.substr(0, rest.find('\n')));
      std::replace_if(
          line.begin(), line.end(),
          [](char character) { return static_cast<unsigned char>(character) >= 0x80; }, '?');
      return line;
    }
  }
  return {};
}

}  // namespace warmdump
