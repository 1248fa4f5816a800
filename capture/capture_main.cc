// warmdump-capture: the whole story, in order. As process 1 of a crash kernel it captures and resets the
// machine; as an ordinary program it does the same to files.

#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "capture/capture_options.h"
#include "capture/capture_pipeline.h"
#include "capture/crash_kernel/configuration.h"
#include "capture/crash_kernel/crash_memory.h"
#include "capture/crash_kernel/early_system.h"
#include "capture/crash_kernel/fatal_signals.h"
#include "capture/crash_kernel/machine_end.h"
#include "capture/crash_kernel/pmem_region.h"
#include "capture/crash_kernel/watchdog.h"
#include "capture/stats.h"
#include "capture/support/mapped_faults.h"
#include "capture/support/raw_log.h"
#include "capture/support/text_file.h"
#include "capture/writer/failure_record.h"
#include "capture/writer/region_check.h"
#include "common/file_device.h"
#include "common/text.h"

namespace warmdump {
namespace {

constexpr const char* kConfigurationPath = "/warmdump.conf";
constexpr const char* kCommandLinePath = "/proc/cmdline";
constexpr std::size_t kCommandLineSizeMax = 8 * kKiB;  // x86 takes 2 KiB

constexpr int kExitOk = 0;
constexpr int kExitFailure = 1;
constexpr int kExitUsage = 2;
constexpr int kExitIncomplete = 3;

char configuration[kConfigurationSizeMax + 1];
char command_line[kCommandLineSizeMax + 1];
char info_buffer[kConfigurationSizeMax];
FileDevice vmcore;
FileDevice region;
CaptureReport report;

MonotonicClock system_clock;
SystemWatchdog watchdog;
WatchdogFeeder watchdog_feeder(system_clock);
CaptureOptions init_options;  // of process 1; the handler of a fatal signal needs them too

// `start_ms`: when this process began, for the deadline.
Result<void> capture(const CaptureOptions& options, const char* region_path, std::uint64_t start_ms) {
  if (auto done = region.open(region_path, FileDevice::Access::read_write_direct); !done.has_value()) {
    log_error(region_path, done.error());
    return done.error();
  }
  const bool is_device = region.is_block_device();
  if (!is_device) region.skip_persist();
  const auto header = check_region(region, {.start = is_device ? options.region_start : 0,
                                            .must_be_formatted = is_device,
                                            .overwrite = options.overwrite});
  if (!header.has_value()) {
    log_error(region_path, header.error());
    return header.error();
  }
  // The region first: it then takes the reason when there is nothing to capture.
  const auto opened = vmcore.open(options.vmcore_path, FileDevice::Access::read_only);
  if (!opened.has_value()) {
    log_error(options.vmcore_path, opened.error());
    if (auto left = record_failed_start(region, *header, options.secret, "vmcore", opened.error());
        !left.has_value())
      log_error(region_path, left.error());
    return opened.error();
  }
  const Deadline deadline =
      options.deadline_s == 0 ? Deadline() : Deadline(system_clock, start_ms, options.deadline_s * 1000);
  const CaptureRequest request{
      .dump_level = options.dump_level,
      .region = {options.region_start / kPageSize,
                 round_up(options.region_start + options.region_size, kPageSize) / kPageSize},
      .info = options.info,
      .secret = options.secret,
      .encryption = options.encryption,
      .threads = options.threads,
      .access = options.access,
      .hints = options.hints,
      .deadline = deadline,
      .measures_memory = ::getpid() == 1,
      .heartbeat = &watchdog_feeder};
  auto done = capture_vmcore(vmcore, region, *header, request, report);
  if (!done.has_value()) log_error(options.vmcore_path, done.error());
  return done;
}

void log_summary() {
  Text<256> line;
  line << (report.completeness == dump_format::Completeness::complete ? "dump complete: " : "dump PARTIAL: ")
       << std::uint64_t{report.header.pages_data} << " pages, "
       << std::uint64_t{report.header.bytes_raw} / kMiB << " MiB in "
       << std::uint64_t{report.header.bytes_stored} / kMiB << " MiB, "
       << std::uint64_t{report.header.pages_lost} << " pages lost, "
       << std::uint64_t{report.header.elapsed_ms} << " ms";
  log_line(line.view());
}

// The command line goes over the settings it names.
bool read_program_options(int argc, char** argv, CaptureOptions& options) {
  const auto parse = [&] {
    const auto parsed = parse_arguments(argc, argv, options);
    if (!parsed.has_value()) log_error("command line", parsed.error());
    return parsed.has_value();
  };
  if (!parse() || options.settings_path == nullptr) return options.settings_path == nullptr;
  const auto file =
      read_text_file(options.settings_path, std::span(configuration).first<kConfigurationSizeMax>());
  if (!file.has_value() || file->is_cut) {
    log_error(options.settings_path,
              file.has_value() ? Error::make(ErrorCode::no_space, "too long") : file.error());
    return false;
  }
  ConfigurationReader reader(options, info_buffer);
  reader.read_lines(configuration, file->size);
  for (const ConfigurationProblem& problem : reader.problems()) log_error(problem.key, problem.error);
  const auto checked = reader.check_values();
  if (!checked.has_value()) log_error(options.settings_path, checked.error());
  return checked.has_value() && reader.problem_count() == 0 && parse();
}

int run_as_program(int argc, char** argv) {
  const std::uint64_t start_ms = system_clock.now_ms();
  if (argc == 2 && std::strcmp(argv[1], "--help") == 0) {
    [[maybe_unused]] const auto written = ::write(STDOUT_FILENO, kUsage, std::strlen(kUsage));
    return kExitOk;
  }
  CaptureOptions options;
  options.threads = 1;  // beside other programs, others decide what is free
  if (!read_program_options(argc, argv, options)) return kExitUsage;
  handle_mapped_faults();
  if (const auto done = capture(options, options.region_path, start_ms); !done.has_value())
    return kExitFailure;
  log_summary();
  if (options.stats) print_stats(report);
  return report.completeness == dump_format::Completeness::complete ? kExitOk : kExitIncomplete;
}

// What is too long loses its last, cut line or word; all before it counts.
std::size_t read_settings(const char* path, std::span<char> buffer, char separator) {
  const auto file = read_text_file(path, buffer);
  if (!file.has_value()) {
    log_error(path, file.error());
    return 0;
  }
  if (!file->is_cut) return file->size;
  log_error(path, Error::make(ErrorCode::no_space, "too long: what does not fit is ignored, from there on")
                      .at(WhereKind::file_offset, file->size));
  std::size_t size = file->size;
  while (size > 0 && buffer[size - 1] != separator) --size;
  return size;
}

Result<void> read_configuration(CaptureOptions& options) {
  ConfigurationReader reader(options, info_buffer);
  reader.read_lines(
      configuration,
      read_settings(kConfigurationPath, std::span(configuration).first<kConfigurationSizeMax>(), '\n'));
  reader.read_words(command_line, read_settings(kCommandLinePath,
                                                std::span(command_line).first<kCommandLineSizeMax>(), ' '));
  for (const ConfigurationProblem& problem : reader.problems()) {
    Text<128> subject;
    subject << "configuration: " << problem.key;
    log_error(subject.view(), problem.error);
  }
  if (reader.problem_count() > reader.problems().size()) log_line("configuration: and further mistakes");
  return reader.check();
}

void start_watchdog(const CaptureOptions& options) {
  if (options.watchdog_s == 0 || !watchdog.open()) return;
  Text<64> line;
  line << "watchdog: " << watchdog_feeder.start(watchdog, static_cast<unsigned>(options.watchdog_s)) << " s";
  log_line(line.view());
}

Result<void> capture_in_crash_kernel(CaptureOptions& options, std::uint64_t start_ms) {
  TRY(mount_system());
  log_memory_at_start();
  const auto configured = read_configuration(options);
  for (const char* module : std::span(options.modules).first(options.module_count)) {
    if (auto loaded = load_module(module); !loaded.has_value()) log_error(module, loaded.error());
  }
  start_watchdog(options);
  if (!configured.has_value()) {
    log_error("configuration", configured.error());
    return configured;
  }
  const auto device = claim_pmem_region(options);
  if (!device.has_value()) {
    log_error("region", device.error());
    return device.error();
  }
  watchdog_feeder.beat();
  TRY(capture(options, device->c_str(), start_ms));
  log_summary();
  return {};
}

[[noreturn]] void end() {
  // Fed once more, a watchdog gives the last act its whole timeout, and cuts it when it hangs.
  watchdog_feeder.feed();
  if (init_options.final_action == FinalAction::halt) watchdog_feeder.disarm();
  end_machine(init_options.final_action);
}

[[noreturn]] void run_as_init() {
  const std::uint64_t start_ms = system_clock.now_ms();
  handle_fatal_signals(record_crash, end);
  log_line("the kernel has crashed; saving its memory");
  init_options.deadline_s = kCrashKernelDeadlineSeconds;
  if (!capture_in_crash_kernel(init_options, start_ms).has_value())
    log_line("NO complete dump of this crash");
  log_memory_at_end();
  end();
}

}  // namespace
}  // namespace warmdump

int main(int argc, char** argv) {
  if (::getpid() == 1) warmdump::run_as_init();
  return warmdump::run_as_program(argc, argv);
}
