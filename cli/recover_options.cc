#include "cli/recover_options.h"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <vector>

#include "cli/command.h"
#include "cli/direct_upload.h"
#include "cli/upload_settings.h"
#include "common/hosted/byte_count_text.h"
#include "common/hosted/settings.h"
#include "recover/report/dump_directory.h"
#include "recover/report/layout.h"
#include "recover/sandbox/sandboxed_extractor.h"

namespace warmdump {
namespace {

constexpr std::string_view kDirectAsUpload = "upload";

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

// A mistake in the settings costs the settings, never the dump.
Settings machine_settings() {
  const auto settings = read_settings();
  if (settings.has_value()) return *settings;
  print_warning(settings.error().message + "; going on without settings");
  return {};
}

std::string first_set(const std::string& option, const std::optional<std::string>& setting) {
  return option.empty() ? setting.value_or("") : option;
}

Unauthenticated wanted_unauthenticated(const std::string& option, const std::optional<std::string>& setting) {
  const std::string word = !option.empty() ? option : setting.value_or("ask");
  if (const auto wanted = parse_unauthenticated(word)) return *wanted;
  print_warning(fmt::format("unauthenticated = \"{}\" in {} must be ask, keep or wipe; taking ask", word,
                            kSettingsPath));
  return Unauthenticated::ask;
}

// What is not sent, and has no disk to be kept on, must not be wiped.
void keep_nothing_apart_in_memory(RecoverOptions& options) {
  if (options.direct.empty() || options.request.trust.unauthenticated != Unauthenticated::keep) return;
  options.request.trust.unauthenticated = Unauthenticated::ask;
  print_warning(
      "a dump that nobody can judge is not sent, and cannot be kept with --direct: taking "
      "unauthenticated=ask");
}

// So does one that names what there is not.
void correct(DumpDirectoryOptions& options) {
  const auto format = dump_directory_format(options);
  if (format.has_value()) return;
  print_warning(fmt::format("[recover] in {}: {}; using the default", kSettingsPath, format.error().message));
  options.format.clear();
  options.compression.clear();
}

std::vector<std::string> layout_names() {
  std::vector<std::string> names;
  for (const DumpLayout& layout : dump_layouts()) names.emplace_back(layout.name);
  return names;
}

std::string layout_of(const Settings::Recover& settings) {
  const std::string name = settings.layout.value_or("");
  if (find_dump_layout(name) != nullptr) return name;
  print_warning(fmt::format("{}: there is no layout \"{}\"; going on with \"{}\"", kSettingsPath, name,
                            dump_layouts().front().name));
  return "";
}

void add_retention_arguments(CLI::App& command, RecoverArguments& arguments) {
  const auto is_size = [](const std::string& text) {
    const auto size = parse_byte_count(text);
    return size.has_value() ? std::string() : size.error().message;
  };
  const auto is_count = [](const std::string& text) {
    const bool is_number = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
    return is_number ? std::string() : fmt::format("\"{}\" is not a number, 0 or more", text);
  };
  command.add_option("--max-dumps", arguments.max_dumps, "Dumps kept in the spool; 0: any number")
      ->check(is_count)
      ->type_name("N");
  command.add_option("--max-bytes", arguments.max_bytes, "Their size together; 0: any")
      ->type_name("SIZE")
      ->check(is_size);
  command.add_option("--min-free", arguments.min_free, "Space that stays free beside the spool; 0: none")
      ->type_name("SIZE")
      ->check(is_size);
}

ByteCount size_of(const std::string& option, const std::optional<std::string>& setting, const char* key) {
  const std::string text = !option.empty() ? option : setting.value_or("0");
  const auto size = parse_byte_count(text);
  if (size.has_value()) return *size;
  print_warning(fmt::format("{}: \"{}\": {}; going on without", kSettingsPath, key, size.error().message));
  return 0;
}

RetentionLimits retention_of(const RecoverArguments& arguments, const Settings::Recover& settings) {
  return {arguments.max_dumps ? *arguments.max_dumps : settings.max_dumps.value_or(0),
          size_of(arguments.max_bytes, settings.max_bytes, "max_bytes"),
          size_of(arguments.min_free, settings.min_free, "min_free")};
}

CrashLoopLimits crash_loop_of(const Settings::Recover& settings) {
  constexpr std::uint64_t kMinutesMax = 60ULL * 24 * 366;
  return {settings.crash_loop_count.value_or(0),
          std::clamp<std::uint64_t>(settings.crash_loop_minutes.value_or(60), 1, kMinutesMax) * 60};
}

// "upload" is the destination of [upload] with all that is said there of it; secrets of one destination never
// go to another.
void set_direct(const RecoverArguments& arguments, const Settings& settings, RecoverOptions& options) {
  const auto& recover = settings.recover;
  const auto& upload = settings.upload;
  options.device = upload.device.value_or(options.request.host);
  options.direct = first_set(arguments.direct, recover.direct);
  if (options.direct == kDirectAsUpload) {
    if (upload.wrong) print_warning(upload.wrong->message + "; going on with what is right in [upload]");
    options.direct = upload.to.value_or("");
    options.direct_options = destination_options(upload);
    if (options.direct.empty()) {
      print_warning(fmt::format(
          "{}: direct = \"upload\", but [upload] says no \"to\"; the dump is saved here", kSettingsPath));
    }
  }
  const std::string ca_file = first_set(arguments.ca_file, recover.direct_ca_file);
  const std::string credentials_file = first_set(arguments.credentials_file, recover.direct_credentials_file);
  if (!ca_file.empty()) options.direct_options.ca_file = ca_file;
  if (!credentials_file.empty()) options.direct_options.credentials_file = credentials_file;
}

}  // namespace

void add_recover_arguments(CLI::App& command, RecoverArguments& arguments) {
  command
      .add_option("--region", arguments.region,
                  "regionN or /dev/pmemN when there are several; or a file with a dump")
      ->type_name("DEVICE|FILE");
  command.add_option("--spool", arguments.spool, "Where dumps are kept; /var/crash unless set otherwise")
      ->type_name("DIR");
  command
      .add_option("--direct", arguments.direct, "Send the dump straight out of the region, save nothing here")
      ->type_name("ADDRESS");
  command
      .add_option("--ca-file", arguments.ca_file, "For --direct: PEM roots to trust instead of the system's")
      ->type_name("FILE");
  command
      .add_option("--credentials-file", arguments.credentials_file,
                  "For --direct: file (mode 0600) with one line: user:password, or Bearer TOKEN")
      ->type_name("FILE");
  command.add_option("--format", arguments.format, "File format of the vmcore; kdump unless set otherwise");
  command.add_option("--compression", arguments.compression, "Of its pages; zlib unless set otherwise");
  command
      .add_option("--layout", arguments.layout, "Names of a dump's files: redhat, debian, suse or chromeos")
      ->check(CLI::IsMember(layout_names()))
      ->type_name("NAME");
  auto* redact = command.add_flag("--redact", arguments.redact, "Leave personal data out of the text files");
  command.add_flag("--no-redact", arguments.no_redact, "Leave it in, whatever the settings say")
      ->excludes(redact);
  command.add_flag("--no-return", arguments.no_return, "Leave the region as a disk");
  command
      .add_option("--unauthenticated", arguments.unauthenticated,
                  "What to do with a dump that nothing proves: ask (leave it there), keep it apart, wipe it")
      ->check(CLI::IsMember({"ask", "keep", "wipe"}));
  add_retention_arguments(command, arguments);
  command.add_flag("--no-report", arguments.no_report, "Write no report.html beside the dump");
  command.add_flag("--json", arguments.json, "Print the outcome as one JSON object");
}

Outcome<RecoverOptions> recover_options(const RecoverArguments& arguments) {
  RecoverOptions options;
  options.request.host = host_name();
  options.request.spool = "/var/crash";
  options.request.region = arguments.region;
  options.json = arguments.json;
  const Settings all_settings = machine_settings();
  const Settings::Recover& settings = all_settings.recover;
  if (settings.spool) options.request.spool = *settings.spool;
  if (!arguments.spool.empty()) options.request.spool = arguments.spool;
  set_direct(arguments, all_settings, options);
  if (!options.direct.empty()) {
    if (arguments.spool.empty()) options.request.spool = kDirectSpool;
    options.directory.vmcore = false;
  }
  options.request.return_to_system = !arguments.no_return;
  options.request.trust.unauthenticated =
      wanted_unauthenticated(arguments.unauthenticated, settings.unauthenticated);
  keep_nothing_apart_in_memory(options);
  options.request.retention = retention_of(arguments, settings);
  options.crash_loop = crash_loop_of(settings);
  options.directory.format = settings.format.value_or("");
  options.directory.compression = settings.compression.value_or("");
  options.directory.layout = arguments.layout.empty() ? layout_of(settings) : arguments.layout;
  options.request.layout = options.directory.layout;
  options.directory.report = settings.report.value_or(true) && !arguments.no_report;
  options.directory.redact = arguments.redact || (settings.redact.value_or(false) && !arguments.no_redact);
  options.user = settings.user.value_or(kReaderUserDefault);
  correct(options.directory);
  if (!arguments.format.empty()) options.directory.format = arguments.format;
  if (!arguments.compression.empty()) options.directory.compression = arguments.compression;
  TRY(dump_directory_format(options.directory));
  return options;
}

}  // namespace warmdump
