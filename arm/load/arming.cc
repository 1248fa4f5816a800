#include "arm/load/arming.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "arm/machine/memory_fingerprint.h"
#include "common/hosted/file_lock.h"
#include "common/hosted/sha256.h"
#include "common/hosted/unique_fd.h"
#include "common/hosted/whole_file.h"

namespace warmdump {
namespace {

constexpr const char* kBootIdPath = "/proc/sys/kernel/random/boot_id";
constexpr unsigned kLoadsMax = 3;  // while memory keeps changing

Outcome<FileLock> lock_arming(const ArmPlaces& places) {
  std::error_code ignored;  // mkdir tells
  std::filesystem::create_directories(std::filesystem::path(places.run).parent_path(), ignored);
  if (::mkdir(places.run.c_str(), 0755) != 0 && errno != EEXIST) {
    return Failure::system("cannot create " + places.run, errno);
  }
  return FileLock::wait_for(places.run + "/arm.lock");
}

Outcome<std::string> current_memory(const MachineFiles& files) {
  const MemoryMap map = TRY(parse_memory_map(TRY(files.read("/proc/iomem"))));
  return memory_fingerprint(files, map);
}

Outcome<Secret> secret_of_boot(const ArmRecords& records, const std::string& boot_id,
                               std::vector<std::string>& warnings) {
  const auto record = records.find(boot_id);
  if (record.has_value() && *record) return (*record)->secret;
  if (!record.has_value()) {
    warnings.push_back(
        fmt::format("this boot gets a new secret, its record is of no use: {}", record.error().message));
  }
  return Secret::fresh();
}

Outcome<ArmRecord> record_of(const CrashSetup& setup, const std::string& boot_id, const Secret& secret,
                             const std::vector<std::string>& arguments, const std::string& test_id) {
  ArmRecord record;
  record.boot_id = boot_id;
  record.armed_at = setup.armed_at;
  record.region_start = setup.region.start;
  record.region_size = setup.region.size;
  record.kernel_path = setup.kernel_path;
  record.kernel_version = setup.kernel.version;
  record.kernel_sha256 = setup.kernel_sha256;
  record.command_line = setup.command_line;
  record.image_size = setup.image.bytes.size();
  record.image_unpacked_size = setup.image.unpacked_size;
  record.image_sha256 = TRY(image_digest(setup));
  if (setup.encryption) record.fleet_key_id = setup.encryption->key_id;
  record.modules = setup.image.module_names();
  record.arguments = arguments;
  record.secret = secret;
  record.test_id = test_id;
  return record;
}

Outcome<void> mark_armed(const ArmPlaces& places) {
  const UniqueFd fd(::open(places.armed_mark().c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
  if (!fd.valid()) return Failure::system("cannot create " + places.armed_mark(), errno);
  return {};
}

Outcome<void> load_with_record(ArmResult& result, const MachineFiles& files, CrashKernelLoader& loader,
                               const ArmPlaces& places) {
  const ArmRecords records(places.records);
  // Of what is loaded now, which a failure may leave in place.
  auto earlier = records.find(result.record.boot_id);
  result.record.crash_memory = TRY(loader.reserved_size());
  for (unsigned loads = 1;; ++loads) {
    result.record.memory = TRY(current_memory(files));
    TRY(records.store(result.record));
    auto loaded = load_crash_setup(result.setup, loader);
    if (!loaded.has_value()) {
      if (earlier.has_value() && *earlier) TRY(records.store(**earlier));
      return std::move(loaded.error());
    }
    result.reserved_size = *loaded;
    if (kernel_updates_elfcorehdr(files) || TRY(current_memory(files)) == result.record.memory) break;
    if (loads == kLoadsMax) {
      result.setup.warnings.push_back(
          "memory or processors keep being added or removed; run `warmdump arm --reload` when that has "
          "ended");
      break;
    }
  }
  return mark_armed(places);
}

// Makes the setup again when the crash kernel will be given less, since the image says how much.
Outcome<void> prepare_trim(ArmRequest& request, const MachineFiles& files, const ArmPlaces& places,
                           ArmResult& result) {
  auto plan = plan_trim(memory_need(result.setup), result.setup.kernel.version, files, places.measured);
  if (!plan.has_value()) {
    if (request.trim == ArmRequest::Trim::required) return std::move(plan.error());
    result.setup.warnings.push_back(plan.error().message);
    return {};
  }
  result.trim = *plan;
  if (!plan->gives_back()) return {};
  request.crash_memory = plan->given;
  result.setup = TRY(prepare_crash_setup(request, files));
  return {};
}

bool is_current(const ArmResult& result, const ArmRecord& loaded, const std::string& memory,
                const MachineFiles& files) {
  return result.record.image_sha256 == loaded.image_sha256 &&
         result.record.kernel_sha256 == loaded.kernel_sha256 &&
         result.record.command_line == loaded.command_line &&
         (memory == loaded.memory || kernel_updates_elfcorehdr(files));
}

}  // namespace

Outcome<ArmResult> arm_machine(ArmRequest request, const std::vector<std::string>& arguments,
                               const MachineFiles& files, CrashKernelLoader& loader,
                               const ArmPlaces& places) {
  const FileLock lock = TRY(lock_arming(places));
  const std::string boot_id = files.line_or_empty(kBootIdPath);
  std::vector<std::string> warnings;
  request.secret = TRY(secret_of_boot(ArmRecords(places.records), boot_id, warnings));
  ArmResult result;
  result.setup = TRY(prepare_crash_setup(request, files));
  if (request.trim != ArmRequest::Trim::no) TRY(prepare_trim(request, files, places, result));
  result.setup.warnings.insert(result.setup.warnings.begin(), warnings.begin(), warnings.end());
  result.record = TRY(record_of(result.setup, boot_id, request.secret, arguments, request.test_id));
  const auto load = [&](bool is_trimmed) -> Outcome<void> {
    if (!is_trimmed && request.crash_memory) {
      request.crash_memory.reset();
      result.setup = TRY(prepare_crash_setup(request, files));
      result.record = TRY(record_of(result.setup, boot_id, request.secret, arguments, request.test_id));
    }
    return load_with_record(result, files, loader, places);
  };
  if (!result.trim) {
    TRY(load(false));
    return result;
  }
  auto not_trimmed = TRY(trim_and_load(*result.trim, loader, CrashSizeFile(files), load));
  if (not_trimmed) {
    result.trim.reset();
    result.setup.warnings.push_back(not_trimmed->message);
  }
  return result;
}

Outcome<ArmResult> reload_machine(ArmRequest request, const ArmRecord& record, const MachineFiles& files,
                                  CrashKernelLoader& loader, const ArmPlaces& places) {
  const FileLock lock = TRY(lock_arming(places));
  request.secret = record.secret;
  request.armed_at = record.armed_at;
  ArmResult result;
  result.setup = TRY(prepare_crash_setup(request, files));
  result.record =
      TRY(record_of(result.setup, record.boot_id, record.secret, record.arguments, record.test_id));
  const std::string memory = TRY(current_memory(files));
  if (TRY(loader.loaded()) && is_current(result, record, memory, files)) {
    result.was_current = true;
    result.reserved_size = TRY(loader.reserved_size());
    return result;
  }
  TRY(load_with_record(result, files, loader, places));
  return result;
}

Outcome<std::optional<ArmRecord>> armed_record(const MachineFiles& files, const ArmPlaces& places) {
  if (::access(places.armed_mark().c_str(), F_OK) != 0) return std::optional<ArmRecord>();
  return ArmRecords(places.records).find(files.line_or_empty(kBootIdPath));
}

Outcome<void> disarm_machine(CrashKernelLoader& loader, const ArmPlaces& places) {
  const FileLock lock = TRY(lock_arming(places));
  TRY(unload_crash_kernel(loader));
  if (::unlink(places.armed_mark().c_str()) != 0 && errno != ENOENT) {
    return Failure::system("cannot remove " + places.armed_mark(), errno);
  }
  return {};
}

Outcome<void> disable_kexec_load() {
  const std::string path = "/proc/sys/kernel/kexec_load_disabled";
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd.valid()) return Failure::system("cannot open " + path, errno);
  return write_all(fd.get(), "1\n", path);
}

}  // namespace warmdump
