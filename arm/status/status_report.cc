#include "arm/status/status_report.h"

#include <fmt/format.h>

#include <algorithm>

namespace warmdump {
namespace {

CheckState state_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::holds:
      return CheckState::ok;
    case Verdict::fails:
      return CheckState::failed;
    case Verdict::unknown:
      break;
  }
  return CheckState::unknown;
}

CheckResult result_of(const Check& check, const StatusFacts& facts) {
  CheckResult result{check.name, check.topic, {}, std::string(check.wanted)};
  if (check.judge != nullptr) {
    result.finding = check.judge(facts);
    return result;
  }
  const auto proof = std::find_if(facts.proof.begin(), facts.proof.end(),
                                  [&](const ProofResult& proved) { return proved.name == check.name; });
  if (proof == facts.proof.end()) {
    result.finding = found_unknown("this was not looked at", "");
  } else {
    result.finding = {state_of(proof->verdict), proof->seen, proof->remedy};
    result.wanted = proof->wanted;
  }
  return result;
}

std::string counted(unsigned count, const char* one, const char* more) {
  return fmt::format("{} {}", count, count == 1 ? one : more);
}

}  // namespace

StatusReport judge_status(const StatusFacts& facts) {
  StatusReport report;
  const CheckResult* failed = nullptr;
  const CheckResult* open = nullptr;
  report.checks.reserve(all_checks().size());
  for (const Check& check : all_checks()) {
    const CheckResult& result = report.checks.emplace_back(result_of(check, facts));
    report.warnings += result.finding.state == CheckState::warning ? 1U : 0U;
    report.unknown += result.finding.state == CheckState::unknown ? 1U : 0U;
    if (result.finding.state == CheckState::failed && failed == nullptr) failed = &result;
    if (result.finding.state == CheckState::unknown && check.weight == Weight::decisive && open == nullptr) {
      open = &result;
    }
  }
  if (failed == nullptr && open == nullptr) report.captured = true;
  if (failed != nullptr) report.captured = false;
  if (const CheckResult* cause = failed != nullptr ? failed : open) {
    report.reason = fmt::format("{}: {}", cause->name, cause->finding.seen);
  }
  return report;
}

std::string answer_text(const StatusReport& report) {
  if (!report.captured) return "CANNOT TELL whether a panic now would leave a dump: " + report.reason;
  if (!*report.captured) return "NO, a panic now would not leave a dump: " + report.reason;
  std::string text = "YES, a panic now leaves a dump that the next boot recovers";
  if (report.warnings != 0) text += ", with " + counted(report.warnings, "warning", "warnings");
  if (report.unknown != 0) {
    text +=
        fmt::format("{}{}", report.warnings != 0 ? " and " : ", with ",
                    counted(report.unknown, "check that could not be made", "checks that could not be made"));
  }
  return text;
}

}  // namespace warmdump
