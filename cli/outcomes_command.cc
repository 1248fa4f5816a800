// warmdump outcomes: what became of every boot; and the note of an orderly shutdown.

#include <fmt/format.h>
#include <time.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/dump_report.h"
#include "recover/outcome/boot_report.h"
#include "recover/outcome/outcome_log.h"

namespace warmdump {
namespace {

struct OutcomesOptions {
  bool json = false;
  std::size_t last = 0;
  bool note_shutdown = false;
};

std::uint64_t uptime_s() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec);
}

std::string words_of(OutcomeKind kind) {
  std::string words = outcome_kind_name(kind);
  std::replace(words.begin(), words.end(), '_', ' ');
  return words;
}

// What a person asks next: which crash, or why there is no dump.
std::string detail_of(const BootOutcome& boot) {
  std::string detail;
  const auto add = [&](const std::string& text) {
    if (!text.empty()) detail += (detail.empty() ? "" : "; ") + harmless(text);
  };
  if (boot.crash) add(boot.crash->panic);
  if (boot.dump) add(boot.dump->directory);
  add(boot.reason);
  if (boot.return_failure) add("region not returned: " + boot.return_failure->message);
  if (boot.crash_loop && boot.crash_loop->stands) add("CRASH LOOP, capture stopped");
  return detail;
}

void print_table(const std::vector<BootOutcome>& boots) {
  for (const BootOutcome& boot : boots) {
    fmt::print("{:<20}  {:<18}  {}\n", harmless(boot.time), words_of(boot.outcome), detail_of(boot));
  }
}

// Boots are those that ended: one a line, and those that wrote none.
nlohmann::ordered_json counts_of(const std::vector<BootOutcome>& boots) {
  nlohmann::ordered_json counts = {{"boots", boots.size()}, {"boots_without_line", 0}};
  for (const OutcomeKind kind : {OutcomeKind::no_crash, OutcomeKind::crash_and_dump,
                                 OutcomeKind::crash_without_dump, OutcomeKind::unclean_shutdown,
                                 OutcomeKind::refused, OutcomeKind::not_recovered, OutcomeKind::unknown}) {
    counts[outcome_kind_name(kind)] = std::count_if(
        boots.begin(), boots.end(), [kind](const BootOutcome& boot) { return boot.outcome == kind; });
  }
  std::uint64_t untold = 0;
  for (const BootOutcome& boot : boots) untold += boot.previous.boots_without_line;
  counts["boots_without_line"] = untold;
  return counts;
}

void print_summary(const std::vector<BootOutcome>& boots) {
  const auto number = [counts = counts_of(boots)](const char* key) {
    return counts[key].get<std::uint64_t>();
  };
  const std::uint64_t dumps = number("crash_and_dump");
  fmt::print("{} boots: {} crashed ({} with a dump), {} unclean shutdowns, {} without crash, {} open\n",
             boots.size(), dumps + number("crash_without_dump"), dumps, number("unclean_shutdown"),
             number("no_crash"), number("not_recovered") + number("unknown") + number("refused"));
}

Outcome<void> show(const OutcomesOptions& options) {
  std::vector<BootOutcome> boots = TRY(OutcomeLog(kOutcomesPath).read_boots());
  if (options.last != 0 && boots.size() > options.last) {
    boots.erase(boots.begin(), boots.end() - static_cast<std::ptrdiff_t>(options.last));
  }
  if (options.json) {
    nlohmann::ordered_json lines = nlohmann::ordered_json::array();
    for (const BootOutcome& boot : boots) lines.push_back(nlohmann::ordered_json::parse(outcome_line(boot)));
    const nlohmann::ordered_json document = {
        {"schema", kOutcomeSchema}, {"counts", counts_of(boots)}, {"outcomes", std::move(lines)}};
    fmt::print("{}\n", document.dump(2));
    return {};
  }
  if (boots.empty()) {
    fmt::print("No outcome yet: `warmdump recover` writes one at every boot.\n");
    return {};
  }
  print_table(boots);
  print_summary(boots);
  return {};
}

}  // namespace

void register_outcomes_command(CLI::App& app, ExitCode& exit_code) {
  const auto options = std::make_shared<OutcomesOptions>();
  CLI::App* command =
      app.add_subcommand("outcomes", "Tell what became of every boot: crashes, dumps, why none");
  auto* json = command->add_flag("--json", options->json, "Print JSON");
  auto* last = command->add_option("--last", options->last, "The last N boots only")
                   ->type_name("N")
                   ->check(CLI::PositiveNumber);
  command
      ->add_flag("--note-shutdown", options->note_shutdown,
                 "For the init system: this boot is shut down in order")
      ->excludes(json, last);
  command->callback([options, &exit_code] {
    const auto done = options->note_shutdown ? note_shutdown(kBootRecordPath, running_boot_id(""), uptime_s())
                                             : show(*options);
    if (!done.has_value()) exit_code = report_failure(done.error());
  });
}

}  // namespace warmdump
