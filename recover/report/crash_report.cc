#include "recover/report/crash_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "recover/report/chromeos_signature.h"
#include "recover/report/layout.h"
#include "recover/report/redaction.h"

namespace warmdump {
namespace {

constexpr std::uint32_t kNumbers = 100'000;

std::string fact(const DumpSummary& summary, const char* key) {
  const auto found = summary.capture_info.find(key);
  return found == summary.capture_info.end() ? "" : found->second;
}

// One line: a value that brought its own could forge keys.
std::string value_of(std::string value) {
  std::replace_if(
      value.begin(), value.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; },
      '_');
  return value;
}

}  // namespace

CrashReport make_crash_report(const DumpSummary& summary, const PrintkLog& log, std::uint64_t time_s,
                              std::uint64_t now_ms) {
  Redaction redaction;
  redaction.add_known("host", summary.kernel.node_name);
  redaction.add_known("host", fact(summary, "hostname"));
  CrashReport report;
  report.payload = redaction.redact(format_kcrash(log));
  const std::uint32_t number =
      chromeos_hash(fact(summary, "boot_id") + summary.build_id + std::to_string(summary.crash_time_s)) %
      kNumbers;
  const std::string base = layout_name("kernel.%Y%m%d.%H%M%S", time_s) + fmt::format(".{:05}.0", number);
  report.payload_name = base + ".kcrash";
  report.meta_name = base + ".meta";

  const std::string build = fact(summary, "os_build");
  const std::string version = build.empty() ? fact(summary, "os_version") : build;
  const std::pair<const char*, std::string> lines[] = {
      {"upload_var_collector", "kernel"},
      {"sig", chromeos_signature(report.payload)},
      {"upload_var_reportTimeMillis", std::to_string(now_ms)},
      {"exec_name", "kernel"},
      {"ver", version.empty() ? "unknown" : version},
      {"upload_var_lsb-release", fact(summary, "os_release")},
      {"upload_var_cros_milestone", fact(summary, "os_version")},
      {"upload_var_osName", summary.kernel.system_name},
      {"upload_var_osVersion", summary.kernel.release + " " + summary.kernel.version},
      {"payload", report.payload_name},
      {"done", "1"},
  };
  for (const auto& [key, value] : lines) report.meta += fmt::format("{}={}\n", key, value_of(value));
  return report;
}

}  // namespace warmdump
