#include "cli/dump_report.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "common/dump_format/dump_state.h"
#include "common/hosted/byte_count_text.h"

namespace warmdump {
namespace {

std::string line(std::string_view name, std::string_view value) {
  return value.empty() ? "" : fmt::format("{:<17}{}\n", name, value);
}

std::string human_time(std::uint64_t seconds) {
  // Later years do not fit four digits: such a time is damage.
  if (seconds == 0 || seconds > 253'402'300'799) return "";
  return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", fmt::gmtime(static_cast<std::time_t>(seconds)));
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

std::string class_table(const PageCounts& pages) {
  constexpr const char* kRow = "{:<16}{:>12}{:>12}{:>12}{:>12}{:>12}{:>12}\n";
  std::string table =
      "\n" + fmt::format(fmt::runtime(kRow), "pages", "all", "left out", "kept", "stored", "zero", "lost");
  const auto row = [&table](std::string_view name, const ClassCounts& counts) {
    table += fmt::format(fmt::runtime(kRow), name, counts.pages, counts.excluded, counts.kept, counts.data,
                         counts.zero, counts.lost);
  };
  for (std::size_t index = 1; index < pages.classes.size(); ++index) {
    if (pages.classes[index].pages == 0) continue;
    row(dump_format::page_class_name(static_cast<dump_format::PageClass>(index)), pages.classes[index]);
  }
  row("total", pages.total);
  return table;
}

std::string phase_table(const std::vector<PhaseSummary>& phases) {
  if (phases.empty()) return "";
  std::string table =
      fmt::format("\n{:<22}{:>12}{:>12}{:>12}\n", "stored in phase", "stored", "zero", "size");
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

}  // namespace

std::string harmless(std::string text) {
  for (char& character : text) {
    if (static_cast<unsigned char>(character) < 0x20 || character == 0x7f) character = '?';
  }
  return text;
}

std::string dump_report(const DumpSummary& summary) {
  std::string report;
  report += line("dump", summary.completeness);
  if (!summary.authenticity.empty()) report += line("seal", harmless(summary.authenticity));
  report += line("panic", summary.panic_text.empty() ? "unknown" : harmless(summary.panic_text));
  report += line("kernel", harmless(summary.kernel.release + " " + summary.kernel.version));
  report += line("build id", harmless(summary.build_id));
  report += line("host", harmless(summary.kernel.node_name));
  report += line("crashed", human_time(summary.crash_time_s));
  report += line("processors", fmt::format("{}", summary.cpu_count));
  report += line("kernel log", harmless(log_line(summary)));
  report += line("dump level", fmt::format("{}", summary.dump_level));
  report += line("size", size_line(summary));
  report += line("region", summary.region.state);
  if (summary.region.state != "lost") report += line("capture", capture_line(summary.region));
  if (summary.region.captures_refused > 0) {
    report += line("later crashes",
                   fmt::format("{}, not captured: this dump came first", summary.region.captures_refused));
  }
  report += repair_lines(summary.region);
  report += damage_lines(summary.damage);
  report += lost_lines(summary.pages);
  for (const auto& [key, value] : summary.capture_info) report += line(harmless(key), harmless(value));
  return report + class_table(summary.pages) + phase_table(summary.phases);
}

std::string region_report(const RegionSummary& region) {
  std::string report = line("dump", "none");
  if (region.is_record_without_frames)
    report += line("crashed", "yes, but nothing could be captured: " + harmless(region.error_text));
  report += line("region", region.state);
  report += line("start", fmt::format("{:#x}", region.region_start));
  report += line("size", readable_byte_count(region.region_size));
  if (region.capture_ms > 0 || !region.error.empty()) report += line("last capture", capture_line(region));
  return report;
}

}  // namespace warmdump
