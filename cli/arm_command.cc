// warmdump arm: builds the crash image and loads the crash kernel.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <memory>

#include "arm/load/arming.h"
#include "arm/load/crash_loop_hold.h"
#include "arm/load/rearming.h"
#include "arm/machine/memory_fingerprint.h"
#include "arm/machine/memory_overwrite.h"
#include "cli/command.h"
#include "common/hosted/byte_count_text.h"
#include "common/hosted/settings.h"
#include "common/hosted/whole_file.h"
#include "common/kernel/page_classifier.h"

namespace warmdump {
namespace {

// What the command line says; what it leaves open is filled in from the settings.
struct ArmOptions {
  ArmRequest request;
  std::optional<unsigned> dump_level;
  std::optional<std::string> final_action;
  std::string region;
  std::string output;
  bool trim = false;
  bool reload = false;
  double debounce_s = 0;
  bool kexec_load_disabled = false;
  bool clear_memory_overwrite = false;
  bool after_crash_loop = false;
  std::vector<std::string> arguments;  // all of them but those of a reload, for the record
};

void add_options(CLI::App& app, ArmOptions& options);

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

void print_setup(const CrashSetup& setup) {
  fmt::print("region        {} at {}\n", readable_byte_count(setup.region.size),
             address_range_text(setup.region));
  fmt::print("crash kernel  {} ({})\n", setup.kernel_path, setup.kernel.version);
  fmt::print("crash image   {} ({}, {} unpacked), /init = {}\n",
             readable_byte_count(setup.image.bytes.size()), setup.image.compression,
             readable_byte_count(setup.image.unpacked_size), setup.capture_path);
  const char* label = "holds";
  for (const ImagePart& part : setup.image.parts) {
    fmt::print("{:14}{} {}\n", label, part.path, readable_byte_count(part.size));
    label = "";
  }
  if (setup.image.base_was_cached) fmt::print("{:14}its unchanging part from the cache\n", "");
  fmt::print("command line  {}\n", setup.command_line);
  if (setup.encryption) fmt::print("encrypted     for fleet key {}\n", setup.encryption->key_id);
}

template <class T, class Setting>
void fill_in(std::optional<T>& option, const std::optional<Setting>& setting) {
  if (!option && setting) option = static_cast<T>(*setting);
}

void fill_in(std::string& option, const std::optional<std::string>& setting) {
  if (option.empty() && setting) option = *setting;
}

// The command line goes over the settings.
Outcome<ArmRequest> request_of(const ArmOptions& options, const Settings& settings) {
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

void print_warnings(const CrashSetup& setup) {
  for (const std::string& warning : setup.warnings) fmt::print(stderr, "warmdump: warning: {}\n", warning);
}

void print_trim(const std::optional<TrimPlan>& trim) {
  if (!trim) return;
  if (trim->gives_back()) {
    fmt::print("trimmed       crashkernel= from {} to {}: {}\n", readable_byte_count(trim->now),
               readable_byte_count(trim->target), trim->reason);
  } else {
    fmt::print("trimmed       nothing: crashkernel= is {}; {}\n", readable_byte_count(trim->now),
               trim->reason);
  }
}

// The image alone, for people and other programs: without the secret of this boot.
Outcome<void> write_image(const ArmOptions& options, const ArmRequest& request) {
  if (options.output.empty()) return Failure(ErrorCode::invalid, "--image-only needs -o FILE");
  const CrashSetup setup = TRY(prepare_crash_setup(request, MachineFiles()));
  TRY(write_whole_file(options.output, setup.image.bytes));
  print_setup(setup);
  print_warnings(setup);
  fmt::print("The image is in {}; nothing is loaded.\n", options.output);
  return {};
}

Outcome<void> disable_loading() {
  TRY(disable_kexec_load());
  fmt::print("Until the next boot no kernel can be loaded or unloaded (kernel.kexec_load_disabled).\n");
  if (!kernel_updates_elfcorehdr(MachineFiles())) {
    fmt::print(
        stderr,
        "warmdump: warning: this kernel does not tell a loaded crash kernel of memory and processors that "
        "are added from now on, and it cannot be loaded again: dumps will lack that memory\n");
  }
  return {};
}

Outcome<void> keep_memory_over_reset() {
  if (TRY(in_context("armed, but the next reset will clear the dump",
                     clear_memory_overwrite(MachineFiles())))) {
    fmt::print("The firmware will not clear RAM at the next reset: secrets in it survive a crash too.\n");
  }
  return {};
}

Outcome<void> arm(const ArmOptions& options, const Settings& settings, const ArmRequest& request) {
  const ArmResult result =
      TRY(arm_machine(request, options.arguments, MachineFiles(), system_crash_kernel_loader(), ArmPlaces()));
  print_setup(result.setup);
  print_trim(result.trim);
  print_warnings(result.setup);
  fmt::print("Armed: the crash kernel is loaded into {} of reserved memory.\n",
             readable_byte_count(result.reserved_size));
  if (options.clear_memory_overwrite || settings.arm.clear_memory_overwrite.value_or(false)) {
    TRY(keep_memory_over_reset());
  }
  if (!options.kexec_load_disabled && !settings.arm.kexec_load_disabled.value_or(false)) return {};
  return disable_loading();
}

Outcome<void> reload_once(const Settings& settings) {
  const MachineFiles files;
  const ArmPlaces places;
  const auto record = TRY(armed_record(files, places));
  if (!record) {
    fmt::print("Not armed: there is nothing to load again.\n");
    return {};
  }
  ArmOptions armed_by;
  CLI::App command;
  add_options(command, armed_by);
  try {
    command.parse(std::vector<std::string>(record->arguments.rbegin(), record->arguments.rend()));
  } catch (const CLI::ParseError& error) {
    return Failure(ErrorCode::corrupt,
                   fmt::format("the record of this boot has arguments that arm does not know ({}); run "
                               "`warmdump arm` with its options",
                               error.what()));
  }
  const ArmRequest request = TRY(request_of(armed_by, settings));
  const ArmResult result = TRY(reload_machine(request, *record, files, system_crash_kernel_loader(), places));
  print_warnings(result.setup);
  fmt::print("{}\n", result.was_current ? "Armed: what is loaded is up to date."
                                        : "Armed: the crash kernel is loaded again.");
  return {};
}

Outcome<void> reload(const ArmOptions& options, const Settings& settings) {
  if (options.debounce_s == 0) return reload_once(settings);
  const auto quiet = std::chrono::milliseconds(static_cast<long>(options.debounce_s * 1000));
  const Rearming rearming =
      TRY(rearm_when_quiet(ArmPlaces().run, quiet, [&settings] { return reload_once(settings); }));
  if (rearming.left_to_another) fmt::print("Another reload is waiting, and will see to it.\n");
  return {};
}

// True when a crash loop stands, which is said. A record that cannot be read holds nobody up.
bool is_held_by_crash_loop(bool end_it) {
  const std::string boot_id = MachineFiles().line_or_empty("/proc/sys/kernel/random/boot_id");
  const auto loop = standing_crash_loop(kCrashLoopPath, boot_id, running_seconds(), end_it);
  if (!loop.has_value()) fmt::print(stderr, "warmdump: warning: {}\n", loop.error().message);
  if (!loop.has_value() || !*loop) return false;
  fmt::print(stderr,
             "warmdump: not armed: CRASH LOOP, {}. Armed again when a boot has lasted {} minutes, or by "
             "`warmdump arm --after-crash-loop`. Its first dump: {}\n",
             crash_loop_words(**loop), (*loop)->window_s / 60,
             (*loop)->first_directory.empty() ? "none" : (*loop)->first_directory);
  return true;
}

Outcome<ExitCode> run_arm(const ArmOptions& options) {
  const Settings settings = TRY(read_settings());
  if (options.reload) {
    TRY(reload(options, settings));
    return kExitOk;
  }
  const ArmRequest request = TRY(request_of(options, settings));
  if (request.image_only) {
    TRY(write_image(options, request));
    return kExitOk;
  }
  if (is_held_by_crash_loop(options.after_crash_loop)) return kExitTemporary;
  TRY(arm(options, settings, request));
  return kExitOk;
}

// As they were given, but for what is of this run only.
std::vector<std::string> arguments_of(const CLI::App& command) {
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

void add_options(CLI::App& app, ArmOptions& options) {
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

}  // namespace

void register_arm_command(CLI::App& app, ExitCode& exit_code) {
  const auto options = std::make_shared<ArmOptions>();
  CLI::App* command = app.add_subcommand("arm", "Build the crash image and load the crash kernel");
  add_options(*command, *options);
  command->callback([options, command, &exit_code] {
    options->arguments = arguments_of(*command);
    const auto done = run_arm(*options);
    exit_code = done.has_value() ? *done : report_failure(done.error());
  });
}

}  // namespace warmdump
