#include "cli/arm_options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "arm/load/arming.h"
#include "common/hosted/byte_count_text.h"
#include "common/kernel/page_classifier.h"

namespace warmdump {
namespace {

Outcome<AddressRange> parse_region(const std::string& text) {
  const auto comma = text.find(',');
  if (comma == std::string::npos) {
    return Failure(ErrorCode::invalid, fmt::format("\"{}\" is not START,SIZE", text));
  }
  const AddressRange region{TRY(parse_byte_count(text.substr(0, comma))),
                            TRY(parse_byte_count(text.substr(comma + 1)))};
  if (region.size == 0 || region.start + region.size < region.start || region.start % 4096 != 0 ||
      region.size % 4096 != 0) {
    return Failure(ErrorCode::invalid, fmt::format("\"{}\" is not a range of whole pages", text));
  }
  return region;
}

template <class T, class Setting>
void fill_in(std::optional<T>& option, const std::optional<Setting>& setting) {
  if (!option && setting) option = static_cast<T>(*setting);
}

void fill_in(std::string& option, const std::optional<std::string>& setting) {
  if (option.empty() && setting) option = *setting;
}

}  // namespace

Outcome<ArmRequest> arm_request_of(const ArmOptions& options, const Settings& settings) {
  const Settings::Arm& arm = settings.arm;
  ArmRequest request = options.request;
  auto dump_level = options.dump_level;
  auto final_action = options.final_action;
  if (arm.dump_level && *arm.dump_level > kDumpLevelMax) {
    return Failure(ErrorCode::invalid, fmt::format("{}: \"dump_level\" is {}, it must be 0 to {}",
                                                   kSettingsPath, *arm.dump_level, kDumpLevelMax));
  }
  fill_in(dump_level, arm.dump_level);
  fill_in(final_action, arm.final_action);
  fill_in(request.deadline_s, arm.deadline_s);
  fill_in(request.watchdog_s, arm.watchdog_s);
  fill_in(request.appended_command_line, arm.append_cmdline);
  fill_in(request.appended_archive_path, arm.append_cpio);
  if (request.capture_path.empty()) fill_in(request.outside_image_path, arm.image);
  fill_in(request.consent_file, settings.consent.file);
  fill_in(request.fleet_public_key, arm.fleet_public_key);
  // A machine whose settings ask for it must be armed before its first crash can measure anything.
  if (arm.trim.value_or(false)) request.trim = ArmRequest::Trim::if_measured;
  if (options.trim) request.trim = ArmRequest::Trim::required;
  if (dump_level) request.dump_level = *dump_level;
  if (final_action) request.final_action = *final_action;
  if (!options.region.empty()) request.region = TRY(in_context("--region", parse_region(options.region)));
  if (!request.image_only) request.cache_directory = kArchiveCacheDirectory;
  return request;
}

std::vector<std::string> arm_arguments_of(const CLI::App& command) {
  std::vector<std::string> arguments;
  for (const CLI::Option* option : command.get_options()) {
    const std::string name = option->get_name();
    if (option->count() == 0 || name == "--reload" || name == "--debounce" || name == "--after-crash-loop") {
      continue;
    }
    if (option->get_expected_max() == 0) {
      arguments.push_back(name);
    } else {
      for (const std::string& value : option->results()) arguments.push_back(name + "=" + value);
    }
  }
  return arguments;
}

void add_arm_options(CLI::App& app, ArmOptions& options) {
  CLI::App* const command = &app;
  ArmRequest& request = options.request;
  command->add_option("--kernel", request.kernel_path, "Crash kernel (default: /boot/vmlinuz-<running>)")
      ->type_name("FILE");
  auto* capture = command
                      ->add_option("--capture", request.capture_path,
                                   "Program to run as /init (default: warmdump-capture)")
                      ->type_name("FILE");
  command->add_option("--modules-dir", request.modules_directory, "Folder with modules.dep of that kernel")
      ->type_name("DIR");
  command
      ->add_option("--dump-level", options.dump_level,
                   "What to leave out, as makedumpfile's -d (default: 31)")
      ->type_name("N")
      ->check(CLI::Range(0U, 31U));
  command
      ->add_option("--final-action", options.final_action,
                   "How the crash kernel ends: warm, cold, efi, acpi, kbd, off or halt (default: warm)")
      ->type_name("WORD");
  command
      ->add_option("--deadline", request.deadline_s,
                   "Close the dump after that time with what it has; 0: never (default: an hour)")
      ->type_name("SECONDS");
  command
      ->add_option("--watchdog", request.watchdog_s,
                   "Have a hardware watchdog cut a capture that hangs that long; 0: leave it alone (default: "
                   "60 if the running system has one armed)")
      ->type_name("SECONDS");
  command->add_option("--region", options.region, "The region, where the machine has several")
      ->type_name("START,SIZE");
  command->add_option("--append-cmdline", request.appended_command_line, "More options for the crash kernel")
      ->type_name("TEXT");
  command->add_option("--append-cpio", request.appended_archive_path, "Archive to append to the crash image")
      ->type_name("FILE");
  command
      ->add_option("--test-id", request.test_id,
                   "Stands in the dump as capture_info.test_id; see selftest(8)")
      ->type_name("ID");
  command
      ->add_option("--image", request.outside_image_path,
                   "Crash image of mkinitramfs or dracut, to use in place of one built here")
      ->type_name("FILE")
      ->excludes(capture);
  auto* image_only = command->add_flag("--image-only", request.image_only, "Write the image, load nothing");
  command->add_option("-o,--output", options.output, "Where --image-only writes it")
      ->type_name("FILE")
      ->needs(image_only);
  command
      ->add_flag("--trim", options.trim,
                 "Give back what the crash kernel was measured not to need of crashkernel=")
      ->excludes(image_only);
  auto* reload = command->add_flag("--reload", options.reload,
                                   "Load again what this boot was armed with, if anything has changed");
  command
      ->add_option("--debounce", options.debounce_s,
                   "With --reload: wait until no more memory is added for so long; one waits for all")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.0, 60.0))
      ->needs(reload);
  command
      ->add_flag("--kexec-load-disabled", options.kexec_load_disabled,
                 "Let nobody load another kernel until the next boot")
      ->excludes(image_only, reload);
  command
      ->add_flag("--clear-memory-overwrite", options.clear_memory_overwrite,
                 "Have EFI firmware keep RAM over the next reset; secrets then survive a crash too")
      ->excludes(image_only, reload);
  command
      ->add_flag("--after-crash-loop", options.after_crash_loop,
                 "End a crash loop, during which nothing is armed, and arm")
      ->excludes(image_only, reload);
}

}  // namespace warmdump
