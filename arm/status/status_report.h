// The answer to one question: if the kernel panics now, will a dump be recovered?

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "arm/status/check.h"

namespace warmdump {

struct CheckResult {
  std::string_view name;
  Topic topic = Topic::system;
  Finding finding;
  std::string wanted;
};

struct StatusReport {
  // true: yes. false: a check failed. Empty: none failed, but a decisive one could not be made.
  std::optional<bool> captured;
  std::string reason;  // name and finding of the first check that says so; empty with yes
  unsigned warnings = 0;
  unsigned unknown = 0;  // checks that could not be made
  std::vector<CheckResult> checks;
};

StatusReport judge_status(const StatusFacts& facts);

// "YES: ...", "NO: ..." or "CANNOT TELL: ...", without a line break.
std::string answer_text(const StatusReport& report);

}  // namespace warmdump
