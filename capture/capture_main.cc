// warmdump-capture: the whole story, in order. As process 1 of a crash kernel it captures and resets the
// machine; as an ordinary program it does the same to files.

#include <unistd.h>

#include <cstring>

#include "capture/capture_options.h"
#include "capture/capture_pipeline.h"
#include "capture/crash_kernel/crash_memory.h"
#include "capture/crash_kernel/early_system.h"
#include "capture/crash_kernel/pmem_region.h"
#include "capture/stats.h"
#include "capture/support/raw_log.h"
#include "capture/writer/failure_record.h"
#include "capture/writer/region_check.h"
#include "common/file_device.h"
#include "common/text.h"

namespace warmdump {
namespace {

constexpr const char* kConfigurationPath = "/warmdump.conf";

constexpr int kExitOk = 0;
constexpr int kExitFailure = 1;
constexpr int kExitUsage = 2;
constexpr int kExitIncomplete = 3;

char configuration[16 * kKiB];
char info_buffer[16 * kKiB];
FileDevice vmcore;
FileDevice region;
CaptureReport report;

Result<void> capture(const CaptureOptions& options, const char* region_path) {
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
    if (auto left = record_failed_start(region, *header, "vmcore", opened.error()); !left.has_value())
      log_error(region_path, left.error());
    return opened.error();
  }
  const CaptureRequest request{
      .dump_level = options.dump_level,
      .region = {options.region_start / kPageSize,
                 round_up(options.region_start + options.region_size, kPageSize) / kPageSize},
      .info = options.info,
      .threads = options.threads,
      .access = options.access,
      .hints = options.hints};
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

int run_as_program(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], "--help") == 0) {
    [[maybe_unused]] const auto written = ::write(STDOUT_FILENO, kUsage, std::strlen(kUsage));
    return kExitOk;
  }
  CaptureOptions options;
  options.threads = 1;  // beside other programs, others decide what is free
  if (const auto parsed = parse_arguments(argc, argv, options); !parsed.has_value()) {
    log_error("command line", parsed.error());
    return kExitUsage;
  }
  if (const auto done = capture(options, options.region_path); !done.has_value()) return kExitFailure;
  log_summary();
  if (options.stats) print_stats(report);
  return report.completeness == dump_format::Completeness::complete ? kExitOk : kExitIncomplete;
}

Result<void> read_configuration(CaptureOptions& options) {
  FileDevice file;
  TRY(file.open(kConfigurationPath, FileDevice::Access::read_only));
  const auto size = std::min<ByteCount>(file.size(), sizeof(configuration));
  TRY(file.read_at(0, std::as_writable_bytes(std::span(configuration)).first(size)));
  return parse_configuration(configuration, size, info_buffer, options);
}

Result<void> capture_in_crash_kernel(CaptureOptions& options) {
  TRY(mount_system());
  log_memory_at_start();
  if (auto done = read_configuration(options); !done.has_value()) {
    log_error(kConfigurationPath, done.error());
    return done;
  }
  const auto device = claim_pmem_region(options);
  if (!device.has_value()) {
    log_error("region", device.error());
    return device.error();
  }
  TRY(capture(options, device->c_str()));
  log_summary();
  return {};
}

[[noreturn]] void run_as_init() {
  log_line("the kernel has crashed; saving its memory");
  CaptureOptions options;
  if (!capture_in_crash_kernel(options).has_value()) log_line("NO complete dump of this crash");
  log_memory_at_end();
  end_machine(options.final_action);
}

}  // namespace
}  // namespace warmdump

int main(int argc, char** argv) {
  if (::getpid() == 1) warmdump::run_as_init();
  return warmdump::run_as_program(argc, argv);
}
