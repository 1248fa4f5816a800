#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "common/hosted/byte_count_text.h"
#include "common/hosted/dump_directory_names.h"
#include "recover/report/debugger_commands.h"
#include "recover/report/page/html_text.h"
#include "recover/report/page/page_data.h"
#include "recover/report/report_words.h"

namespace warmdump {
namespace {

// What the layout calls a file.
std::string name_of(const DumpSummary& summary, const char* what, std::string_view otherwise) {
  const auto found = summary.files.find(what);
  return found == summary.files.end() ? std::string(otherwise) : found->second;
}

using List = kainjow::mustache::list;

constexpr std::string_view kPanicPrefix = "Kernel panic - not syncing: ";
constexpr std::size_t kInfoRowsMax = 40;
constexpr std::size_t kPhaseRowsMax = 64;
constexpr std::size_t kLogLines = 200;
constexpr std::size_t kLogLinesBehindThePanic = 60;
constexpr std::size_t kLogLineBytesMax = 1000;
constexpr ByteCount kLogBytesMax = 320 * kKiB;  // as it stands on the page

void set_text(PageData& page, const char* name, std::string_view text, std::size_t bytes_max = 512) {
  if (!text.empty()) page[name] = page_text(text, bytes_max);
}

void set_list(PageData& page, const std::string& name, List list) {
  page["has_" + name] = !list.empty();
  page[name] = PageData(list);
}

void add_row(List& list, std::string_view label, std::string_view value, bool is_code = false) {
  if (value.empty()) return;
  PageData row;
  row["label"] = page_text(label, 64);
  row["value"] = page_text(value, 4096);
  row["is_code"] = is_code;
  list.push_back(std::move(row));
}

void add_figure(List& list, const char* label, const std::string& value, const std::string& note = "") {
  if (value.empty()) return;
  PageData row;
  row["label"] = label;
  row["value"] = value;
  set_text(row, "note", note);
  list.push_back(std::move(row));
}

std::string info_of(const DumpSummary& summary, const char* key) {
  const auto found = summary.capture_info.find(key);
  return found == summary.capture_info.end() ? "" : found->second;
}

std::string ratio_text(const DumpSummary& summary) {
  if (summary.bytes_stored == 0) return "";
  return fmt::format("of {}, {:.1f} : 1", readable_byte_count(summary.bytes_raw),
                     static_cast<double>(summary.bytes_raw) / static_cast<double>(summary.bytes_stored));
}

std::string up_text(const LogFacts& facts) {
  return facts.up_ns == 0 ? "" : milliseconds_text(facts.up_ns / 1'000'000);
}

PageData trace_row(const TraceLine& line) {
  PageData row;
  const std::size_t plus = line.is_frame ? std::min(line.text.find('+'), line.text.size()) : line.text.size();
  row["name"] = page_text(line.text.substr(0, plus), 200);
  row["offset"] = page_text(line.text.substr(plus), 100);
  row["mark"] = !line.is_frame;
  row["unsure"] = !line.certain;
  return row;
}

std::string joined(const std::vector<std::string>& lines, std::size_t line_bytes_max) {
  std::string text;
  for (const std::string& line : lines) text += shortened(line, line_bytes_max) + "\n";
  return text;
}

}  // namespace

PageData page_text(std::string_view text, std::size_t bytes_max) {
  return PageData(shortened(text, bytes_max));
}

void fill_header(const DumpSummary& summary, const LogFacts& facts, PageData& page) {
  std::string_view panic = summary.panic_text;
  page["eyebrow"] = "report of a kernel crash";
  if (panic.starts_with(kPanicPrefix)) {
    panic.remove_prefix(kPanicPrefix.size());
    page["eyebrow"] = "Kernel panic";
  }
  page["title"] =
      panic.empty() ? PageData("The kernel crashed; its log does not say why") : page_text(panic, 300);
  const std::string host =
      summary.kernel.node_name.empty() ? info_of(summary, "hostname") : summary.kernel.node_name;
  page["place"] = page_text(host.empty() ? "warmdump" : host, 100);
  set_text(page, "host", host, 100);
  set_text(page, "release", summary.kernel.release, 100);
  const std::string crashed = utc_text(summary.crash_time_s);
  set_text(page, "crashed", crashed);
  if (!crashed.empty()) {
    std::string machine = crashed.substr(0, 19) + "Z";
    machine[10] = 'T';
    page["crashed_machine"] = machine;
  }
  page["complete"] = summary.complete;
  page["completeness"] = page_text(completeness_text(summary), 2000);
  page["authenticity"] = page_text(summary.authenticity, 64);
  page["authenticity_kind"] = summary.authenticity == "sealed" ? "good" : "doubt";
  page["authenticity_words"] = authenticity_text(summary.authenticity);

  List figures;
  add_figure(figures, "Up for", up_text(facts));
  add_figure(figures, "Memory", readable_byte_count(summary.pages.total.pages * kPageSize),
             summary.cpu_count == 0 ? "" : fmt::format("{} processors", summary.cpu_count));
  add_figure(figures, "Kept",
             readable_byte_count((summary.pages.total.data + summary.pages.total.zero) * kPageSize),
             fmt::format("{} left out", readable_byte_count(summary.pages.total.excluded * kPageSize)));
  add_figure(figures, "On the region", readable_byte_count(summary.bytes_stored), ratio_text(summary));
  if (summary.vmcore_size)
    add_figure(figures, "vmcore", readable_byte_count(*summary.vmcore_size), "the file beside this page");
  add_figure(figures, "Captured in",
             summary.region.capture_ms == 0 ? "" : milliseconds_text(summary.region.capture_ms));
  page["figures"] = PageData(figures);
}

void fill_scene(const DumpSummary& summary, const LogFacts& facts, PageData& page) {
  set_text(page, "instruction", facts.instruction, 200);
  set_text(page, "process", facts.process, 200);
  set_text(page, "tainted", facts.tainted, 100);
  set_text(page, "up", up_text(facts));
  page["has_who"] = !facts.process.empty() || !facts.tainted.empty() || facts.up_ns != 0;
  List trace;
  for (const TraceLine& line : facts.trace) trace.push_back(trace_row(line));
  page["has_scene"] = !facts.trace.empty() || !facts.instruction.empty() || !facts.process.empty();
  page["no_scene"] = page_text(summary.log_error.empty() ? "The log has no processor state and no call trace."
                                                         : "There is no kernel log: " + summary.log_error);
  set_list(page, "trace", std::move(trace));
  page["has_registers"] = !facts.registers.empty();
  page["registers"] = joined(facts.registers, 200);
  set_text(page, "modules", facts.modules, 8000);
}

void fill_commands(const DumpSummary& summary, PageData& page) {
  List commands;
  for (const DebuggerCommand& command :
       debugger_commands(name_of(summary, "vmcore", kVmcoreName), summary.kernel.release, summary.build_id,
                         info_of(summary, "os_id"))) {
    PageData row;
    row["purpose"] = command.purpose;
    row["command"] = command.command;
    commands.push_back(std::move(row));
  }
  page["commands"] = PageData(commands);
}

void fill_capture(const DumpSummary& summary, PageData& page) {
  const RegionSummary& region = summary.region;
  List facts;
  add_row(facts, "Time", region.capture_ms == 0 ? "" : milliseconds_text(region.capture_ms));
  add_row(facts, "Last phase", region.phase);
  add_row(facts, "Ended by", region.error);
  add_row(facts, "It said", region.error_text);
  if (region.frames_damaged > 0) {
    add_row(facts, "Repaired",
            fmt::format("{} frames were overwritten during the capture, {} written again, {} left "
                        "damaged",
                        grouped(region.frames_damaged), grouped(region.frames_rewritten),
                        grouped(region.frames_unrepaired)));
  }
  if (region.captures_refused > 0)
    add_row(facts, "Later crashes", fmt::format("{} left this dump alone", region.captures_refused));
  add_row(facts, "Region",
          fmt::format("{} at {:#x}", readable_byte_count(region.region_size), region.region_start));
  if (region.memory_total > 0) {
    add_row(facts, "Crash kernel",
            fmt::format("{} of memory, at least {} of it free", readable_byte_count(region.memory_total),
                        readable_byte_count(region.memory_free_min)));
  }
  set_list(page, "capture", std::move(facts));

  List phases;
  ByteCount all = 0;
  for (const PhaseSummary& phase : summary.phases) all += phase.bytes;
  for (const PhaseSummary& phase : summary.phases) {
    if (phases.size() == kPhaseRowsMax) break;
    PageData row;
    row["name"] = page_text(phase.name, 64);
    row["data"] = grouped(phase.data);
    row["zero"] = grouped(phase.zero);
    row["bytes"] = readable_byte_count(phase.bytes);
    row["share"] = fmt::format(
        "{:.2f}", all == 0 ? 0 : 100 * static_cast<double>(phase.bytes) / static_cast<double>(all));
    phases.push_back(std::move(row));
  }
  set_list(page, "phases", std::move(phases));

  List timings;
  add_row(timings, "capture, in the crash kernel",
          region.capture_ms == 0 ? "" : milliseconds_text(region.capture_ms));
  for (const auto& [step, milliseconds] : summary.timings_ms) {
    if (timings.size() < kInfoRowsMax) add_row(timings, timing_text(step), milliseconds_text(milliseconds));
  }
  set_list(page, "timings", std::move(timings));
}

void fill_machine(const DumpSummary& summary, const LogFacts& facts, PageData& page) {
  List machine;
  add_row(machine, "Hardware", facts.hardware);
  add_row(machine, "System", info_of(summary, "os_release"));
  add_row(machine, "Kernel", shortened(summary.kernel.release + " " + summary.kernel.version, 300));
  add_row(machine, "Build id", summary.build_id, true);
  add_row(machine, "Architecture", summary.kernel.machine);
  add_row(machine, "Processors", summary.cpu_count == 0 ? "" : std::to_string(summary.cpu_count));
  add_row(machine, "Boot id", info_of(summary, "boot_id"), true);
  add_row(machine, "Command line", facts.command_line, true);
  page["machine"] = PageData(machine);

  List info;
  for (const auto& [key, value] : summary.capture_info) {
    if (info.size() < kInfoRowsMax) add_row(info, key, shortened(value, 256));
  }
  set_list(page, "info", std::move(info));

  List files;
  for (const auto& [what, name] : summary.files) files.push_back(PageData(name));
  files.push_back(PageData(std::string(kMetaName)));
  page["files"] = PageData(files);
}

void fill_log(const DumpSummary& summary, const PrintkLog& log, const LogFacts& facts, PageData& page) {
  page["has_log"] = !log.records.empty();
  if (log.records.empty()) return;
  std::size_t end = log.records.size();
  if (facts.panic_record)
    end = std::min(end, *facts.panic_record + std::max(kLogLinesBehindThePanic, kLogLines / 4));
  std::size_t begin = end - std::min(end, kLogLines);
  if (facts.panic_record) begin = std::min(begin, *facts.panic_record);
  begin = std::max(begin, end - std::min(end, kLogLines));

  // From the end backwards, so that what is nearest to the crash is there when it is too much.
  List lines;
  ByteCount bytes = 0;
  std::size_t index = end;
  while (index > begin) {
    --index;
    std::string text = format_printk_log(PrintkLog{{log.records[index]}, 0, 0});
    if (!text.empty()) text.pop_back();
    text = shortened(text, kLogLineBytesMax);
    bytes += html_text(text).size();
    if (bytes > kLogBytesMax) {
      ++index;
      break;
    }
    PageData row;
    row["text"] = text;
    row["is_panic"] = facts.panic_record == index;
    lines.push_back(std::move(row));
  }
  std::reverse(lines.begin(), lines.end());
  page["has_panic_line"] = facts.panic_record && *facts.panic_record >= index;
  page["log_file"] = name_of(summary, "dmesg", kDmesgName);
  page["log_words"] = fmt::format("{} of {} records.", grouped(end - index), grouped(log.records.size()));
  page["log"] = PageData(lines);
}

}  // namespace warmdump
