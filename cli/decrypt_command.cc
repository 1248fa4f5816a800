// warmdump decrypt: an encrypted dump in clear, off the machine it came from.

#include <fmt/format.h>
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/reader_protection.h"
#include "cli/staged_progress.h"
#include "common/hosted/interruption.h"
#include "recover/decrypt_dump.h"
#include "recover/output/output_format.h"

namespace warmdump {
namespace {

struct DecryptArguments {
  DecryptRequest request;
  std::string key;
  bool is_verbose = false;
};

Outcome<ExitCode> decrypt(const DecryptArguments& arguments) {
  ::umask(S_IRWXG | S_IRWXO);
  const InterruptionWatch watch;
  DecryptRequest request = arguments.request;
  request.missing = tell_missing_protection(arguments.is_verbose);
  StagedProgress progress({"decrypting"});
  const auto show_progress = [&](PageCount done, PageCount total) {
    progress.update(0, done * kPageSize, total * kPageSize);
  };
  const auto read_key = [&arguments] { return FleetPrivateKey::read(arguments.key); };
  const DumpSummary summary = TRY(decrypt_dump(request, read_key, show_progress));
  progress.finish();
  fmt::print("{}: {}\n", arguments.request.directory.string(), summary.completeness);
  return summary.complete ? kExitOk : kExitIncomplete;
}

}  // namespace

void register_decrypt_command(CLI::App& app, ExitCode& exit_code) {
  auto arguments = std::make_shared<DecryptArguments>();
  DecryptRequest& request = arguments->request;
  std::vector<std::string> format_names;
  for (const OutputFormat& format : output_formats()) format_names.emplace_back(format.name);
  request.options.format = format_names.front();

  CLI::App* command = app.add_subcommand(
      "decrypt", "Make a directory in clear of an encrypted dump, with the fleet's private key.");
  command->add_option("DUMP", request.source, "Dump directory, its dump.warmdump, or saved image of a region")
      ->required();
  command->add_option("--key", arguments->key, "The fleet's private key")->required()->type_name("FILE");
  command->add_option("-o,--output", request.directory, "Directory to make; must not exist")
      ->required()
      ->type_name("DIR");
  command->add_option("--format", request.options.format, "File format of the vmcore")
      ->check(CLI::IsMember(format_names))
      ->capture_default_str();
  command->add_flag("--damaged", request.take_damaged,
                    "Take what is left of a dump that was changed, cut or damaged");
  command->add_flag("--verbose", arguments->is_verbose, kVerboseText);
  command->callback([arguments, &exit_code] {
    auto result = decrypt(*arguments);
    exit_code = result ? *result : report_failure(result.error());
  });
}

}  // namespace warmdump
