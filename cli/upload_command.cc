// warmdump upload: sends saved dumps to a destination.

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "cli/command.h"
#include "cli/upload_actions.h"

namespace warmdump {
namespace {

enum class Action { upload, status, pause, resume };

Outcome<void> check_action(Action action, const UploadArguments& arguments) {
  if (action == Action::upload) return {};
  if (!arguments.dump.empty() || !arguments.to.empty() || arguments.again || arguments.now ||
      arguments.dry_run || arguments.tidy || (arguments.json && action != Action::status)) {
    return Failure(ErrorCode::invalid,
                   "status, pause and resume take --settings and --state; status takes --json, too");
  }
  return {};
}

ExitCode run_action(Action action, const UploadArguments& arguments) {
  if (const auto checked = check_action(action, arguments); !checked) return report_failure(checked.error());
  const auto settings = upload_settings(arguments);
  if (!settings) return report_failure(settings.error());
  switch (action) {
    case Action::status:
      return show_upload_status(arguments, *settings);
    case Action::pause:
      return pause_uploading(*settings);
    case Action::resume:
      return resume_uploading(*settings);
    case Action::upload:
      break;
  }
  if (!arguments.dump.empty()) return upload_by_hand(arguments, *settings);
  return arguments.tidy ? tidy_spool(arguments, *settings) : upload_from_spool(arguments, *settings);
}

void add_options(CLI::App& command, UploadArguments& arguments) {
  command.add_option("dump", arguments.dump, "Dump directory; without it, all of the spool by the settings")
      ->type_name("DUMPDIR");
  command.add_option("--to", arguments.to, "Where DUMPDIR goes, in place of what the settings say")
      ->type_name("DESTINATION");
  command.add_option("--endpoint", arguments.endpoint, "For --to s3://: where its server is")
      ->type_name("URL");
  command.add_option("--region", arguments.region, "For --to s3://: its region")->type_name("NAME");
  command.add_option("--ca-file", arguments.ca_file, "For --to: PEM roots to trust instead of the system's")
      ->type_name("FILE");
  command
      .add_option("--credentials-file", arguments.credentials_file,
                  "For --to: file (mode 0600) that says who we are")
      ->type_name("FILE");
  command.add_option("--device", arguments.device, "What this machine is called there")->type_name("NAME");
  command.add_option("--attempts", arguments.attempts, "Failures in a row that end the run (default 5)")
      ->check(CLI::Range(1, 100))
      ->type_name("N");
  command.add_flag("--again", arguments.again, "Send DUMPDIR even if it was sent there before");
  command.add_flag("--now", arguments.now, "Try at once what waits for its time");
  command.add_flag("--dry-run", arguments.dry_run, "Say what would be sent, and send nothing");
  command.add_flag("--tidy", arguments.tidy,
                   "Send nothing; with delete_sent in the settings, remove what was sent from the spool");
  command.add_option("--settings", arguments.settings, "Settings file in place of the system's")
      ->type_name("FILE");
  command.add_option("--spool", arguments.spool, "Where dumps are, in place of what the settings say")
      ->type_name("DIR");
  command.add_option("--state", arguments.state, "Where it is remembered what was sent")->type_name("DIR");
  command.add_flag("--json", arguments.json, "Print the result as JSON");
}

}  // namespace

Outcome<std::unique_ptr<Destination>> open_destination(const UploadSettings& settings) {
  auto destination = TRY(make_destination(settings.address, settings.destination));
  if (destination->is_sent_in_the_clear()) {
    print_warning(destination->name() + " is not encrypted; who sees the traffic can read the dump");
  }
  return destination;
}

void register_upload_command(CLI::App& app, ExitCode& exit_code) {
  const auto arguments = std::make_shared<UploadArguments>();
  const auto action = std::make_shared<Action>(Action::upload);
  CLI::App* command = app.add_subcommand("upload", "Send saved dumps to a destination");
  add_options(*command, *arguments);
  command->require_subcommand(0, 1);
  const struct {
    const char* name;
    const char* what;
    Action action;
  } actions[] = {{"status", "Tell what was sent and what waits", Action::status},
                 {"pause", "Send nothing until resume", Action::pause},
                 {"resume", "Go on after pause", Action::resume}};
  for (const auto& row : actions) {
    CLI::App* const word = command->add_subcommand(row.name, row.what)->fallthrough();
    word->callback([action, chosen = row.action] { *action = chosen; });
  }
  command->callback([arguments, action, &exit_code] { exit_code = run_action(*action, *arguments); });
}

}  // namespace warmdump
