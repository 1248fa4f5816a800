#include "recover/report/readme.h"

#include <fmt/format.h>

#include "recover/report/layout.h"

namespace warmdump {

std::string readme_text(const DumpSummary& summary, std::uint64_t time_s) {
  const std::string time = layout_name("%Y-%m-%dT%H:%M:%S", time_s);
  std::string text = "Kernel crashdump\n----------------\n";
  text +=
      fmt::format("dmesg status: {}\n", summary.log_error.empty() ? "saved successfully" : summary.log_error);
  text += fmt::format("vmcore status: {}\n", summary.complete ? "saved successfully" : summary.completeness);
  if (!summary.kernel.release.empty()) text += fmt::format("Kernel version: {}\n", summary.kernel.release);
  if (summary.crash_time_s != 0) {
    text += fmt::format("Crash time: {}\n",
                        layout_name("%Y-%m-%dT%H:%M:%S", layout_time(summary.crash_time_s, time_s)));
  }
  return text + fmt::format("Dump time: {}\nHost: {}\nDump level: {}\n", time, summary.kernel.node_name,
                            summary.dump_level);
}

}  // namespace warmdump
