// warmdump status: if the kernel panics now, will a dump be recovered?

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>

#include "arm/status/status_report.h"
#include "cli/command.h"

namespace warmdump {
namespace {

constexpr unsigned kSchema = 1;

struct StatusOptions {
  bool json = false;
  bool quiet = false;
};

// Colours where a person looks, unless NO_COLOR says otherwise (no-color.org).
class Paint {
 public:
  Paint() {
    const char* no_color = std::getenv("NO_COLOR");
    is_on_ = ::isatty(STDOUT_FILENO) == 1 && (no_color == nullptr || *no_color == '\0');
  }
  std::string operator()(const char* code, const std::string& text) const {
    return is_on_ ? fmt::format("\033[{}m{}\033[0m", code, text) : text;
  }

 private:
  bool is_on_ = false;
};

constexpr const char* kBold = "1";

const char* color_of(CheckState state) {
  switch (state) {
    case CheckState::ok:
      return "32";
    case CheckState::warning:
      return "33";
    case CheckState::failed:
      return "1;31";
    case CheckState::unknown:
      return "36";
  }
  return "0";
}

void print_text(const StatusReport& report) {
  const Paint paint;
  const CheckState answer = !report.captured   ? CheckState::unknown
                            : *report.captured ? CheckState::ok
                                               : CheckState::failed;
  fmt::print("{}\n", paint(color_of(answer), answer_text(report)));
  std::optional<Topic> topic;
  for (const CheckResult& check : report.checks) {
    if (topic != check.topic) fmt::print("\n{}\n", paint(kBold, std::string(topic_title(check.topic))));
    topic = check.topic;
    const Finding& finding = check.finding;
    fmt::print("  {}  {:<22}{}\n",
               paint(color_of(finding.state), fmt::format("{:<7}", check_state_name(finding.state))),
               check.name, finding.seen);
    if (finding.state == CheckState::ok) continue;
    fmt::print("{:33}wanted: {}\n", "", check.wanted);
    if (!finding.mend.empty()) fmt::print("{:33}mend: {}\n", "", finding.mend);
  }
}

void print_json(const StatusReport& report) {
  nlohmann::ordered_json checks = nlohmann::ordered_json::array();
  for (const CheckResult& check : report.checks) {
    checks.push_back({{"name", check.name},
                      {"state", check_state_name(check.finding.state)},
                      {"seen", check.finding.seen},
                      {"wanted", check.wanted},
                      {"mend", check.finding.mend}});
  }
  nlohmann::ordered_json document = {{"schema", kSchema}, {"captured", nullptr}};
  if (report.captured) document["captured"] = *report.captured;
  document["reason"] = report.reason;
  document["checks"] = checks;
  // Names of files and devices need not be UTF-8.
  fmt::print("{}\n", document.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

}  // namespace

void register_status_command(CLI::App& app, ExitCode& exit_code) {
  const auto options = std::make_shared<StatusOptions>();
  CLI::App* command = app.add_subcommand("status", "Tell whether a panic now would leave a dump");
  auto* json = command->add_flag("--json", options->json, "Print JSON");
  command->add_flag("-q,--quiet", options->quiet, "Print nothing; the exit code says it")->excludes(json);
  command->callback([options, &exit_code] {
    const StatusReport report = judge_status(gather_status_facts(MachineFiles(), free_space_on_disk));
    if (options->json) {
      print_json(report);
    } else if (!options->quiet) {
      print_text(report);
    }
    exit_code = report.captured.value_or(false) ? kExitOk : kExitFailure;
  });
}

}  // namespace warmdump
