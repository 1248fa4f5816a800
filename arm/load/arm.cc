#include "arm/load/arm.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "arm/load/active_region.h"
#include "arm/load/capture_program.h"
#include "arm/load/crash_command_line.h"
#include "arm/load/trim.h"
#include "arm/machine/boot_facts.h"
#include "arm/machine/kernel_hints.h"
#include "arm/machine/watchdog_device.h"
#include "common/hosted/byte_count_text.h"
#include "common/hosted/fleet_key.h"
#include "common/hosted/sha256.h"
#include "common/hosted/unique_fd.h"
#include "initramfs/outside_image.h"

namespace warmdump {
namespace {

constexpr ByteCount kCaptureSizeMax = 64 * kMiB;
constexpr ByteCount kAppendedArchiveSizeMax = 64 * kMiB;
constexpr ByteCount kKernelSizeMax = 256 * kMiB;
constexpr ByteCount kOutsideImageSizeMax = 128 * kMiB;

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

Outcome<std::string> read_capture(const std::string& path) {
  std::string program = TRY(read_whole_file(path, kCaptureSizeMax));
  TRY(in_context("cannot use " + path + " as /init of the crash kernel", check_capture_program(program)));
  return program;
}

// By which recovery can tell how much of it the crash kernel used.
void add_memory_facts(const ArmRequest& request, const KernelImage& kernel, const MachineFiles& files,
                      std::map<std::string, std::string>& info) {
  info[kCrashKernelInfo] = kernel.version;
  std::optional<ByteCount> given = request.crash_memory;
  if (!given) {
    const auto iomem = files.read("/proc/iomem");
    const auto map = parse_memory_map(iomem.has_value() ? *iomem : std::string());
    const CrashKernelMemory reserved = map.has_value() ? crash_kernel_memory(*map) : CrashKernelMemory();
    if (reserved.loaded()) given = reserved.total_size();
  }
  if (given) info[kCrashMemoryInfo] = std::to_string(*given);
}

// Nothing without a fleet key. A key is read even where the image gets none, so that a broken one is told.
Outcome<std::optional<CaptureEncryption>> fresh_encryption(const ArmRequest& request,
                                                           std::vector<std::string>& warnings) {
  if (request.fleet_public_key.empty()) return std::optional<CaptureEncryption>();
  const FleetPublicKey fleet_key =
      TRY(in_context("cannot encrypt dumps", FleetPublicKey::read(request.fleet_public_key)));
  if (!request.secret.is_set()) {
    warnings.push_back("an image that is not loaded here has no keys: a dump made with it is in clear");
    return std::optional<CaptureEncryption>();
  }
  CaptureEncryption encryption;
  encryption.key_id = key_id_text(fleet_key.id());
  encryption.key = TRY(Secret::fresh());
  const WrappedKey wrapped =
      TRY(in_context(request.fleet_public_key, fleet_key.wrap(encryption.key, request.secret)));
  encryption.wrapped_key = hexadecimal_text({reinterpret_cast<const char*>(wrapped.data()), wrapped.size()});
  return std::optional(std::move(encryption));
}

// The file of this kernel: `pattern` with its version for every "%v".
std::string path_for_version(std::string pattern, const std::string& version) {
  constexpr std::string_view kVersionMark = "%v";
  for (std::size_t at = 0; (at = pattern.find(kVersionMark, at)) != std::string::npos; at += version.size()) {
    pattern.replace(at, kVersionMark.size(), version);
  }
  return pattern;
}

Outcome<CrashImage> adopt_outside_image(const std::string& path, CrashModules& modules,
                                        const CaptureConfiguration& configuration,
                                        const KernelConfig& kernel_config, std::string_view appended,
                                        std::vector<std::string>& warnings) {
  std::string bytes = TRY(read_whole_file(path, kOutsideImageSizeMax));
  std::vector<std::string> missing;
  auto image =
      build_crash_image_on(std::move(bytes), modules, configuration, kernel_config, appended, missing);
  for (const std::string& name : missing) {
    warnings.push_back(fmt::format(
        "{} has no module {} of this kernel: the crash kernel may not feed the watchdog", path, name));
  }
  return in_context("cannot use " + path + " as crash image", std::move(image));
}

Outcome<void> prove_setup(const ArmRequest& request, const MachineFiles& files, CrashSetup& setup) {
  setup.proof =
      prove_before_load(files, read_proof_facts(files, request.region), std::optional(setup.command_line));
  TRY(check_proof(setup.proof));
  for (const ProofResult& result : setup.proof) {
    if (result.verdict != Verdict::unknown) continue;
    setup.warnings.push_back(
        fmt::format("not proved ({}): {}; wanted: {}", result.name, result.seen, result.wanted));
  }
  return {};
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
  setup.kernel_sha256 = TRY(sha256_text(kernel));
  if (setup.kernel.version != running_version) {
    setup.warnings.push_back(
        fmt::format("the crash kernel is {}, the running one {}", setup.kernel.version, running_version));
  }
  const std::string modules_directory = request.modules_directory.empty()
                                            ? files.path("/lib/modules/" + setup.kernel.version)
                                            : request.modules_directory;
  const auto watchdog_modules = wanted_watchdog_modules(request, find_watchdog(files), setup.warnings);
  std::vector<std::string> missing;
  CrashModules modules = TRY(read_crash_modules(modules_directory, watchdog_modules, missing));
  for (const std::string& name : missing) {
    setup.warnings.push_back(fmt::format("{} has no module {}: the crash kernel may not feed the watchdog",
                                         modules_directory, name));
  }
  std::string appended;
  if (!request.appended_archive_path.empty()) {
    appended = TRY(read_whole_file(request.appended_archive_path, kAppendedArchiveSizeMax));
  }
  configuration.region_start = setup.region.start;
  configuration.region_size = setup.region.size;
  configuration.info = gather_boot_facts(files, request.consent_file);
  if (!request.armed_at.empty()) configuration.info["armed_at"] = request.armed_at;
  setup.armed_at = configuration.info["armed_at"];
  configuration.secret = request.secret;
  configuration.encryption = setup.encryption = TRY(fresh_encryption(request, setup.warnings));
  if (!request.test_id.empty()) configuration.info["test_id"] = request.test_id;
  add_memory_facts(request, setup.kernel, files, configuration.info);
  configuration.hints = gather_kernel_hints(files);
  const KernelConfig kernel_config =
      find_kernel_config(setup.kernel.version, setup.kernel_path, modules_directory);
  if (request.outside_image_path.empty()) {
    setup.capture_path = TRY(find_capture_program(request.capture_path));
    const std::string capture = TRY(read_capture(setup.capture_path));
    const ArchiveCache cache(request.cache_directory);
    setup.image = TRY(build_crash_image(capture, modules, configuration, kernel_config, appended,
                                        request.cache_directory.empty() ? nullptr : &cache));
    if (!setup.image.cache_problem.empty()) {
      setup.warnings.push_back("the next arming will take longer: " + setup.image.cache_problem);
    }
  } else {
    const std::string path = path_for_version(request.outside_image_path, setup.kernel.version);
    setup.capture_path = "of " + path;
    setup.image =
        TRY(adopt_outside_image(path, modules, configuration, kernel_config, appended, setup.warnings));
  }
  const CrashEnd end{configuration.reset, !modules.watchdog.empty()};
  setup.command_line = TRY(crash_command_line(setup.region, end, files.line_or_empty("/proc/cmdline"),
                                              request.appended_command_line));
  if (!request.image_only) TRY(prove_setup(request, files, setup));
  if (configuration.reset == ResetMode::off) {
    setup.warnings.push_back("the dump is lost when the crash kernel switches the machine off");
  }
  return setup;
}

std::optional<std::string> reservation_warning(const CrashSetup& setup, ByteCount reserved_size) {
  return reservation_shortage(memory_need(setup), reserved_size);
}

Outcome<std::string> image_digest(const CrashSetup& setup) {
  if (!setup.encryption) return sha256_text(setup.image.bytes);
  const WipedText line(encryption_line(*setup.encryption));
  WipedText image(setup.image.bytes);
  const auto at = image.text().find(line.text());
  if (at == std::string::npos) return Failure(ErrorCode::corrupt, "the image lacks its key");
  const std::size_t key_at = line.text().find(':');
  image.text().replace(at + key_at, line.text().size() - key_at, line.text().size() - key_at, '0');
  return sha256_text(image.text());
}

CrashMemoryNeed memory_need(const CrashSetup& setup) {
  return crash_memory_need(setup.kernel, setup.image.bytes.size(), setup.image.unpacked_size);
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
