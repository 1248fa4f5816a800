#include "cli/selftest_report.h"

#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

namespace warmdump {

void print_retention_step(const RetentionStep& step) {
  if (step.failure) {
    std::fputs(fmt::format("warmdump: retention test: {}\n", step.failure->message).c_str(), stderr);
  }
  if (step.written) {
    std::puts(
        step.wants_reset()
            ? "retention  the test's pattern is in the region; now the machine is restarted"
            : "retention  the test's pattern is in the region, which stays as it is until the next boot: run "
              "`warmdump selftest --retention --reboot`");
  }
  if (!step.result) return;
  for (const std::string& line : retention_text(as_json(*step.result))) {
    std::fputs(fmt::format("retention  {}\n", line).c_str(), stdout);
  }
}

nlohmann::json retention_step_as_json(const RetentionStep& step) {
  nlohmann::json json = nlohmann::json::object();
  if (step.failure) json["error"] = step.failure->message;
  if (step.written) json["pattern_written"] = true;
  if (step.result) json["result"] = nlohmann::json(as_json(*step.result));
  return json;
}

}  // namespace warmdump
