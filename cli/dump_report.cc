#include "cli/dump_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/dump_format/dump_state.h"
#include "common/hosted/byte_count_text.h"
#include "recover/report/debugger_commands.h"
#include "recover/report/report_words.h"

namespace warmdump {
namespace {

constexpr std::size_t kLabelColumns = 17;

std::string line(std::string_view name, std::string_view value) {
  return value.empty() ? ""
                       : fmt::format("{:<{}} {}\n", name, kLabelColumns - 1, harmless(std::string(value)));
}

// Lines of "label  value" in the width of the terminal: values that are too long go on below themselves.
std::string laid_out(std::string_view lines, const TerminalLook& look) {
  std::string text;
  while (!lines.empty()) {
    const std::string_view whole = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(whole.size() + 1, lines.size()));
    text += look.paint(TerminalLook::kDim, whole.substr(0, kLabelColumns));
    if (whole.size() > kLabelColumns) text += look.wrapped(whole.substr(kLabelColumns), kLabelColumns);
    text += '\n';
  }
  return text;
}

std::string capture_line(const RegionSummary& region) {
  std::string text =
      fmt::format("{:.1f} s, last phase: {}", static_cast<double>(region.capture_ms) / 1000, region.phase);
  if (!region.error.empty()) text += fmt::format(", ended by: {}", region.error);
  if (!region.error_text.empty()) text += fmt::format(" ({})", harmless(region.error_text));
  return text;
}

std::string repair_lines(const RegionSummary& region) {
  std::string lines;
  if (region.frames_damaged > 0) {
    lines +=
        line("repaired", fmt::format("{} frames were overwritten during the capture, {} written again, {} "
                                     "left damaged; read back {} times",
                                     region.frames_damaged, region.frames_rewritten, region.frames_unrepaired,
                                     region.check_passes));
  }
  if (region.headers_rewritten > 0) {
    lines +=
        line("repaired", fmt::format("the header was overwritten during the capture and written again {} "
                                     "times",
                                     region.headers_rewritten));
  }
  return lines;
}

std::string class_table(const PageCounts& pages, const TerminalLook& look) {
  // Six columns of numbers behind the name.
  const std::size_t width = look.columns >= 88 ? 12 : 10;
  const auto row_text = [&](const auto&... cells) {
    std::string text;
    ((text += fmt::format("{:>{}}", cells, width)), ...);
    return text;
  };
  std::string table = "\n" + look.paint(TerminalLook::kBold,
                                        fmt::format("{:<16}", "pages") +
                                            row_text("all", "left out", "kept", "stored", "zero", "lost"));
  table += "\n";
  const auto row = [&](std::string_view name, const ClassCounts& counts) {
    const std::string lost = fmt::format("{:>{}}", counts.lost, width);
    table += fmt::format("{:<16}{}{}\n", name,
                         row_text(counts.pages, counts.excluded, counts.kept, counts.data, counts.zero),
                         counts.lost == 0 ? lost : look.paint(TerminalLook::kRed, lost));
  };
  for (std::size_t index = 1; index < pages.classes.size(); ++index) {
    if (pages.classes[index].pages == 0) continue;
    row(dump_format::page_class_name(static_cast<dump_format::PageClass>(index)), pages.classes[index]);
  }
  row("total", pages.total);
  return table;
}

std::string phase_table(const std::vector<PhaseSummary>& phases, const TerminalLook& look) {
  if (phases.empty()) return "";
  std::string table =
      "\n" +
      look.paint(TerminalLook::kBold,
                 fmt::format("{:<22}{:>12}{:>12}{:>12}", "stored in phase", "stored", "zero", "size")) +
      "\n";
  for (const PhaseSummary& phase : phases) {
    table += fmt::format("{:<22}{:>12}{:>12}{:>12}\n", harmless(phase.name), phase.data, phase.zero,
                         readable_byte_count(phase.bytes));
  }
  return table;
}

std::string lost_lines(const PageCounts& pages) {
  std::string lines;
  for (std::size_t index = 1; index < pages.lost_by_reason.size(); ++index) {
    if (pages.lost_by_reason[index] == 0) continue;
    lines += line("lost", fmt::format("{} pages: {}", pages.lost_by_reason[index],
                                      lost_reason_name(static_cast<LostReason>(index))));
  }
  return lines;
}

std::string damage_lines(const DamageReport& damage) {
  std::string lines;
  const auto tell = [&lines](std::uint64_t count, const char* text) {
    if (count > 0) lines += line("damage", fmt::format("{} {}", count, text));
  };
  if (damage.header_lost) lines += line("damage", "both region headers lost; read by the frames alone");
  if (damage.scan.damaged_ranges > 0) {
    lines += line("damage", fmt::format("{} places, {} bytes, the first at region offset {:#x}",
                                        damage.scan.damaged_ranges, damage.scan.damaged_bytes,
                                        damage.scan.first_damage.value_or(0)));
  }
  tell(damage.scan.missing_frames, "frames missing");
  tell(damage.scan.unreadable_bytes, "bytes of the region cannot be read");
  tell(damage.scan.truncated_bytes, "bytes cut off the end of the region");
  tell(damage.invalid_frames, "frames contradict themselves");
  tell(damage.unknown_frames, "frames of types this version does not know");
  tell(damage.pages_outside, "pages outside of the memory of the crashed system");
  return lines;
}

std::string log_line(const DumpSummary& summary) {
  if (!summary.log_error.empty()) return summary.log_error;
  std::string text = fmt::format("{} records", summary.log_records);
  if (summary.log_lost > 0) text += fmt::format(", {} lost", summary.log_lost);
  if (summary.log_unfinished > 0) text += fmt::format(", {} unfinished", summary.log_unfinished);
  return text;
}

std::string size_line(const DumpSummary& summary) {
  std::string text = fmt::format("{} -> {}", readable_byte_count(summary.bytes_raw),
                                 readable_byte_count(summary.bytes_stored));
  if (summary.vmcore_size) text += fmt::format(", vmcore {}", readable_byte_count(*summary.vmcore_size));
  return text;
}

std::string encryption_line(const DumpSummary& summary) {
  const std::string key = "for fleet key " + (summary.key_id.empty() ? "unknown" : harmless(summary.key_id));
  return key +
         (summary.encrypted ? "; `warmdump decrypt` opens it where the private key is" : ", in clear now");
}

std::string region_lines(const DumpSummary& summary) {
  std::string report = line("region", summary.region.state);
  if (summary.region.state != "lost") report += line("capture", capture_line(summary.region));
  if (summary.region.captures_refused > 0) {
    report += line("later crashes",
                   fmt::format("{}, not captured: this dump came first", summary.region.captures_refused));
  }
  return report + repair_lines(summary.region) + damage_lines(summary.damage);
}

constexpr std::size_t kFramesShown = 24;

// Innermost first, as the log has it.
std::string trace_lines(const CrashTrace& trace) {
  std::string names;
  for (std::size_t i = 0; i < std::min(trace.frames.size(), kFramesShown); ++i)
    names += (i == 0 ? "" : " < ") + trace.frames[i];
  if (trace.frames.size() > kFramesShown)
    names += fmt::format(" < {} more", trace.frames.size() - kFramesShown);
  return line("at", trace.registers) + line("trace", names);
}

std::string times_line(const DumpSummary& summary) {
  std::string text;
  for (const auto& [step, milliseconds] : summary.timings_ms) {
    text +=
        fmt::format("{}{} {}", text.empty() ? "" : ", ", timing_text(step), milliseconds_text(milliseconds));
  }
  return line("times", text);
}

// What can be told without the key.
std::string encrypted_report(const DumpSummary& summary) {
  std::string report = line("crashed", utc_text(summary.crash_time_s));
  report += line("dump level", fmt::format("{}", summary.dump_level));
  report += line("size", size_line(summary));
  const ClassCounts& pages = summary.pages.total;
  report += line("pages", fmt::format("{} stored, {} zero, {} left out, {} lost", pages.data, pages.zero,
                                      pages.excluded, pages.lost));
  report += region_lines(summary);
  for (const auto& [key, value] : summary.capture_info) report += line(harmless(key), harmless(value));
  return report;
}

}  // namespace

std::string harmless(std::string text) {
  for (std::size_t index = 0; index < text.size(); ++index) {
    const auto byte = static_cast<unsigned char>(text[index]);
    // Of two bytes in UTF-8: control characters that some terminals obey.
    const bool is_second = index > 0 && text[index - 1] == '\xc2' && byte >= 0x80 && byte <= 0x9f;
    if (is_second) text[index - 1] = '?';
    if (byte < 0x20 || byte == 0x7f || is_second) text[index] = '?';
  }
  return text;
}

std::string seal_text(const std::string& authenticity) {
  if (authenticity == authenticity_name(Authenticity::sealed)) return authenticity;
  return fmt::format("NOT AUTHENTICATED ({}): anybody can have made it", harmless(authenticity));
}

std::string dump_report(const DumpSummary& summary, const TerminalLook& look) {
  std::string report = look.paint(TerminalLook::kDim, fmt::format("{:<{}}", "dump", kLabelColumns)) +
                       look.paint(summary.complete ? TerminalLook::kGreen : TerminalLook::kRed,
                                  look.wrapped(harmless(summary.completeness), kLabelColumns)) +
                       "\n";
  std::string lines;
  if (!summary.authenticity.empty()) lines += line("seal", seal_text(summary.authenticity));
  if (!summary.key_id.empty() || summary.encrypted) lines += line("encrypted", encryption_line(summary));
  if (summary.encrypted) return report + laid_out(lines + encrypted_report(summary), look);
  lines += line("panic", summary.panic_text.empty() ? "unknown" : summary.panic_text);
  lines += trace_lines(summary.trace);
  if (!summary.signature.text.empty()) lines += line("signature", summary.signature.text);
  lines += line("kernel", summary.kernel.release + " " + summary.kernel.version);
  lines += line("build id", summary.build_id);
  lines += line("host", summary.kernel.node_name);
  lines += line("crashed", utc_text(summary.crash_time_s));
  lines += line("processors", fmt::format("{}", summary.cpu_count));
  lines += line("kernel log", log_line(summary));
  lines += line("dump level", fmt::format("{}", summary.dump_level));
  lines += line("size", size_line(summary));
  lines += region_lines(summary);
  lines += times_line(summary);
  lines += lost_lines(summary.pages);
  for (const auto& [key, value] : summary.capture_info) lines += line(harmless(key), value);
  return report + laid_out(lines, look) + class_table(summary.pages, look) +
         phase_table(summary.phases, look);
}

std::string commands_report(const DumpSummary& summary, const std::string& vmcore, const TerminalLook& look) {
  const auto os_id = summary.capture_info.find("os_id");
  std::string report;
  for (const DebuggerCommand& command :
       debugger_commands(vmcore, summary.kernel.release, summary.build_id,
                         os_id == summary.capture_info.end() ? "" : os_id->second)) {
    report += "\n" + look.paint(TerminalLook::kDim, command.purpose) + "\n";
    std::string_view lines = command.command;
    while (!lines.empty()) {
      const std::string_view first = lines.substr(0, lines.find('\n'));
      lines.remove_prefix(std::min(first.size() + 1, lines.size()));
      report += fmt::format("  {}\n", harmless(std::string(first)));
    }
  }
  return report;
}

std::string region_report(const RegionSummary& region, const std::string& dump, const TerminalLook& look) {
  std::string report = line("dump", dump);
  if (region.is_record_without_frames)
    report += line("crashed", "yes, but nothing could be captured: " + region.error_text);
  report += line("region", region.state);
  report += line("start", fmt::format("{:#x}", region.region_start));
  report += line("size", readable_byte_count(region.region_size));
  if (region.capture_ms > 0 || !region.error.empty()) report += line("last capture", capture_line(region));
  return laid_out(report, look);
}

}  // namespace warmdump
