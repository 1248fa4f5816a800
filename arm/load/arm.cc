#include "arm/load/arm.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "arm/load/active_region.h"
#include "arm/load/crash_command_line.h"
#include "arm/machine/boot_facts.h"
#include "arm/machine/kernel_hints.h"
#include "arm/machine/watchdog_device.h"
#include "common/hosted/byte_count_text.h"
#include "common/hosted/unique_fd.h"

namespace warmdump {
namespace {

constexpr const char* kCaptureName = "warmdump-capture";
constexpr ByteCount kCaptureSizeMax = 64 * kMiB;
constexpr ByteCount kAppendedArchiveSizeMax = 64 * kMiB;
constexpr ByteCount kKernelSizeMax = 256 * kMiB;

// What a crash kernel takes beside its own image and initramfs, with room to spare: struct pages, drivers,
// and the capture's buffers. bench/crashkernel-floor: Debian's 6.1 (init_size 64 MiB) does with 12 MiB, not
// with 8.
constexpr ByteCount kCrashKernelWorkingSize = 16 * kMiB;

// More than a week is no deadline; under five seconds the hardware may be faster than the next feeding.
constexpr std::uint64_t kDeadlineMaxSeconds = 7 * 24 * 3600;
constexpr std::uint64_t kWatchdogMinSeconds = 5;
constexpr std::uint64_t kWatchdogMaxSeconds = 3600;

Outcome<CaptureConfiguration> capture_configuration(const ArmRequest& request) {
  CaptureConfiguration configuration;
  const auto reset = reset_of_word(request.final_action);
  if (!reset) {
    return Failure(ErrorCode::invalid,
                   fmt::format("final action \"{}\": choose warm, cold, efi, acpi, kbd, off or halt",
                               request.final_action));
  }
  if (request.deadline_s && *request.deadline_s > kDeadlineMaxSeconds) {
    return Failure(ErrorCode::invalid, fmt::format("a deadline of {} s: at most {} s, or 0 for none",
                                                   *request.deadline_s, kDeadlineMaxSeconds));
  }
  if (request.watchdog_s && *request.watchdog_s != 0 &&
      (*request.watchdog_s < kWatchdogMinSeconds || *request.watchdog_s > kWatchdogMaxSeconds)) {
    return Failure(ErrorCode::invalid,
                   fmt::format("a watchdog timeout of {} s: {} to {} s, or 0 to leave the watchdog alone",
                               *request.watchdog_s, kWatchdogMinSeconds, kWatchdogMaxSeconds));
  }
  configuration.dump_level = request.dump_level;
  configuration.reset = *reset;
  configuration.deadline_s = request.deadline_s;
  configuration.watchdog_s = request.watchdog_s;
  return configuration;
}

// Modules of the watchdog that the crash kernel is to feed; none when it is to have none.
std::vector<std::string> wanted_watchdog_modules(const ArmRequest& request, const WatchdogFacts& watchdog,
                                                 std::vector<std::string>& warnings) {
  if (request.watchdog_s ? *request.watchdog_s == 0 : !watchdog.is_running) return {};
  if (!watchdog.is_there) {
    warnings.push_back(
        "this machine shows no hardware watchdog; the crash kernel will use one if it finds it");
  } else if (watchdog.modules.empty()) {
    warnings.push_back(
        "which module drives the watchdog is unknown; unless it is built into the kernel, nothing feeds it "
        "in the "
        "crash kernel");
  }
  return watchdog.modules;
}

Outcome<AddressRange> find_region(const ArmRequest& request, const MachineFiles& files) {
  const std::string command_line = TRY(files.read("/proc/cmdline"));
  if (request.image_only && request.region) return find_region_of_command_line(command_line, request.region);
  const std::string iomem = TRY(files.read("/proc/iomem"));
  auto map = parse_memory_map(iomem);
  if (!map.has_value()) {
    if (request.image_only && map.error().code == ErrorCode::no_permission) {
      return find_region_of_command_line(command_line, request.region);
    }
    return std::move(map.error());
  }
  return find_active_region(*map, command_line, request.region);
}

Outcome<std::string> find_capture(const std::string& path) {
  if (!path.empty()) return path;
  std::error_code error;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (!error) {
    const std::filesystem::path beside = program.parent_path() / kCaptureName;
    if (std::filesystem::exists(beside, error)) return beside.string();
  }
  const std::string installed = std::string(WARMDUMP_LIBEXEC_DIRECTORY) + "/" + kCaptureName;
  if (std::filesystem::exists(installed, error)) return installed;
  return Failure(ErrorCode::not_found,
                 fmt::format("no {} beside the warmdump program, nor {}; name it with --capture",
                             kCaptureName, installed));
}

Outcome<std::string> read_capture(const std::string& path) {
  std::string program = TRY(read_whole_file(path, kCaptureSizeMax));
  TRY(in_context("cannot use " + path + " as /init of the crash kernel", check_capture_program(program)));
  return program;
}

}  // namespace

Outcome<CrashSetup> prepare_crash_setup(const ArmRequest& request, const MachineFiles& files) {
  CaptureConfiguration configuration = TRY(capture_configuration(request));
  CrashSetup setup;
  setup.region = TRY(find_region(request, files));
  const std::string running_version = files.line_or_empty("/proc/sys/kernel/osrelease");
  setup.kernel_path =
      request.kernel_path.empty() ? files.path("/boot/vmlinuz-" + running_version) : request.kernel_path;
  const std::string kernel = TRY(read_whole_file(setup.kernel_path, kKernelSizeMax));
  setup.kernel = TRY(in_context(setup.kernel_path, parse_kernel_image(kernel)));
  if (setup.kernel.version != running_version) {
    setup.warnings.push_back(
        fmt::format("the crash kernel is {}, the running one {}", setup.kernel.version, running_version));
  }
  const std::string modules_directory = request.modules_directory.empty()
                                            ? files.path("/lib/modules/" + setup.kernel.version)
                                            : request.modules_directory;
  const auto watchdog_modules = wanted_watchdog_modules(request, find_watchdog(files), setup.warnings);
  std::vector<std::string> missing;
  const CrashModules modules = TRY(read_crash_modules(modules_directory, watchdog_modules, missing));
  for (const std::string& name : missing) {
    setup.warnings.push_back(fmt::format("{} has no module {}: the crash kernel may not feed the watchdog",
                                         modules_directory, name));
  }
  setup.capture_path = TRY(find_capture(request.capture_path));
  const std::string capture = TRY(read_capture(setup.capture_path));
  std::string appended;
  if (!request.appended_archive_path.empty()) {
    appended = TRY(read_whole_file(request.appended_archive_path, kAppendedArchiveSizeMax));
  }
  configuration.region_start = setup.region.start;
  configuration.region_size = setup.region.size;
  configuration.info = gather_boot_facts(files);
  configuration.hints = gather_kernel_hints(files);
  const KernelConfig kernel_config =
      find_kernel_config(setup.kernel.version, setup.kernel_path, modules_directory);
  setup.image = TRY(build_crash_image(capture, modules, configuration, kernel_config, appended));
  const CrashEnd end{configuration.reset, !modules.watchdog.empty()};
  setup.command_line = TRY(crash_command_line(setup.region, end, files.line_or_empty("/proc/cmdline"),
                                              request.appended_command_line));
  if (configuration.reset == ResetMode::off) {
    setup.warnings.push_back("the dump is lost when the crash kernel switches the machine off");
  }
  return setup;
}

std::optional<std::string> reservation_warning(const CrashSetup& setup, ByteCount reserved_size) {
  const ByteCount wanted =
      setup.kernel.init_size + setup.image.bytes.size() + setup.image.unpacked_size + kCrashKernelWorkingSize;
  if (reserved_size >= wanted) return std::nullopt;
  return fmt::format("crashkernel= reserves {}, but this kernel and image probably need {}",
                     readable_byte_count(reserved_size), readable_byte_count(wanted));
}

Outcome<ByteCount> load_crash_setup(CrashSetup& setup, CrashKernelLoader& loader) {
  const UniqueFd kernel(::open(setup.kernel_path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!kernel.valid()) return Failure::system("cannot open " + setup.kernel_path, errno);
  const ByteCount reserved_size =
      TRY(load_crash_kernel(loader, kernel.get(), setup.image.bytes, setup.command_line));
  if (auto warning = reservation_warning(setup, reserved_size)) setup.warnings.push_back(std::move(*warning));
  return reserved_size;
}

}  // namespace warmdump
