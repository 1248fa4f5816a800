// warmdump arm: builds the crash image and loads the crash kernel.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "arm/load/arm.h"
#include "cli/command.h"
#include "common/hosted/byte_count_text.h"
#include "common/hosted/whole_file.h"

namespace warmdump {
namespace {

struct ArmOptions {
  ArmRequest request;
  std::string region;
  std::string output;
  bool unload = false;
};

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
  fmt::print("command line  {}\n", setup.command_line);
}

Outcome<void> run_arm(const ArmOptions& options) {
  if (options.unload) {
    TRY(unload_crash_kernel(system_crash_kernel_loader()));
    fmt::print("Not armed: the crash kernel is unloaded.\n");
    return {};
  }
  ArmRequest request = options.request;
  if (request.image_only && options.output.empty()) {
    return Failure(ErrorCode::invalid, "--image-only needs -o FILE");
  }
  if (!options.region.empty()) request.region = TRY(in_context("--region", parse_region(options.region)));
  CrashSetup setup = TRY(prepare_crash_setup(request, MachineFiles()));
  ByteCount reserved_size = 0;
  if (request.image_only) {
    TRY(write_whole_file(options.output, setup.image.bytes));
  } else {
    reserved_size = TRY(load_crash_setup(setup, system_crash_kernel_loader()));
  }
  print_setup(setup);
  for (const std::string& warning : setup.warnings) fmt::print(stderr, "warmdump: warning: {}\n", warning);
  if (request.image_only) {
    fmt::print("The image is in {}; nothing is loaded.\n", options.output);
  } else {
    fmt::print("Armed: the crash kernel is loaded into {} of reserved memory.\n",
               readable_byte_count(reserved_size));
  }
  return {};
}

}  // namespace

void register_arm_command(CLI::App& app, ExitCode& exit_code) {
  const auto options = std::make_shared<ArmOptions>();
  ArmRequest& request = options->request;
  CLI::App* command = app.add_subcommand("arm", "Build the crash image and load the crash kernel");
  command->add_option("--kernel", request.kernel_path, "Crash kernel (default: /boot/vmlinuz-<running>)")
      ->type_name("FILE");
  auto* capture = command
                      ->add_option("--capture", request.capture_path,
                                   "Program to run as /init (default: warmdump-capture)")
                      ->type_name("FILE");
  command->add_option("--modules-dir", request.modules_directory, "Folder with modules.dep of that kernel")
      ->type_name("DIR");
  command
      ->add_option("--dump-level", request.dump_level,
                   "What to leave out, as makedumpfile's -d (default: 31)")
      ->type_name("N")
      ->check(CLI::Range(0U, 31U));
  command
      ->add_option("--final-action", request.final_action,
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
  command->add_option("--region", options->region, "The region, where the machine has several")
      ->type_name("START,SIZE");
  command->add_option("--append-cmdline", request.appended_command_line, "More options for the crash kernel")
      ->type_name("TEXT");
  command->add_option("--append-cpio", request.appended_archive_path, "Archive to append to the crash image")
      ->type_name("FILE");
  command
      ->add_option("--image", request.outside_image_path,
                   "Crash image of mkinitramfs or dracut, to use in place of one built here")
      ->type_name("FILE")
      ->excludes(capture);
  auto* image_only = command->add_flag("--image-only", request.image_only, "Write the image, load nothing");
  command->add_option("-o,--output", options->output, "Where --image-only writes it")
      ->type_name("FILE")
      ->needs(image_only);
  command->add_flag("--unload", options->unload, "Unload the crash kernel")->excludes(image_only);
  command->callback([options, &exit_code] {
    const auto done = run_arm(*options);
    if (!done.has_value()) exit_code = report_failure(done.error());
  });
}

}  // namespace warmdump
