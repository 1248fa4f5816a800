#include "recover/report/measured_run.h"

#include <charconv>

#include "common/hosted/dump_directory_names.h"
#include "common/hosted/whole_file.h"
#include "recover/report/meta_json.h"

namespace warmdump {
namespace {

constexpr ByteCount kMetaSizeMax = 16 * kMiB;

std::string info_of(const DumpSummary& dump, const char* key) {
  const auto found = dump.capture_info.find(key);
  return found == dump.capture_info.end() ? "" : found->second;
}

}  // namespace

std::optional<MeasuredMemory> measured_run(const DumpSummary& dump) {
  MeasuredMemory measured;
  measured.crash_kernel = info_of(dump, kCrashKernelInfo);
  measured.boot_id = info_of(dump, "boot_id");
  measured.crash_time_s = dump.crash_time_s;
  measured.free_min = dump.region.memory_free_min;
  const std::string given = info_of(dump, kCrashMemoryInfo);
  const auto [end, error] = std::from_chars(given.data(), given.data() + given.size(), measured.given);
  const bool is_number = error == std::errc{} && end == given.data() + given.size();
  // More than was set apart: memory came from elsewhere (crashkernel=,cma), and free memory says nothing.
  if (!is_number || dump.region.memory_total > measured.given) return {};
  if (!dump.complete || measured.crash_kernel.empty() || measured.free_min == 0 ||
      measured.free_min >= measured.given) {
    return {};
  }
  return measured;
}

Outcome<void> record_measured_run(const std::filesystem::path& dump_directory, const std::string& path) {
  const std::string meta = TRY(read_whole_file(dump_directory / kMetaName, kMetaSizeMax));
  const auto measured = measured_run(TRY(parse_meta_json(meta)));
  if (measured) TRY(store_measured_memory(*measured, path));
  return {};
}

}  // namespace warmdump
