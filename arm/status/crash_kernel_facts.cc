#include "arm/status/crash_kernel_facts.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "arm/load/kernel_image.h"
#include "common/hosted/byte_count_text.h"
#include "common/hosted/unique_fd.h"
#include "initramfs/crash_modules.h"

namespace warmdump {
namespace {

constexpr ByteCount kModuleListMax = 16 * kMiB;
constexpr std::size_t kKernelHeadSize = 64 * kKiB;  // as parse_kernel_image() wants it

// Newer kernels keep these in a folder of their own.
Outcome<std::string> read_kexec(const MachineFiles& files, const std::string& name) {
  auto text = files.read("/sys/kernel/kexec/" + name);
  if (!text.has_value() && text.error().code == ErrorCode::not_found) {
    return files.read("/sys/kernel/kexec_" + name);
  }
  return text;
}

Outcome<bool> read_loaded(const MachineFiles& files) {
  return TRY(read_kexec(files, "crash_loaded")).starts_with('1');
}

Outcome<ByteCount> read_reserved(const MachineFiles& files) {
  std::string text = TRY(read_kexec(files, "crash_size"));
  while (text.ends_with('\n')) text.pop_back();
  return parse_byte_count(text);
}

Outcome<std::optional<ArmRecord>> read_record(const MachineFiles& files) {
  return ArmRecords(files.path(kArmRecordDirectory))
      .find(files.line_or_empty("/proc/sys/kernel/random/boot_id"));
}

Outcome<std::string> read_head(const std::string& path, std::size_t size) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return Failure::system("cannot open " + path, errno);
  std::string head(size, '\0');
  const ssize_t count = ::pread(fd.get(), head.data(), head.size(), 0);
  if (count < 0) return Failure::system("cannot read " + path, errno);
  head.resize(static_cast<std::size_t>(count));
  return head;
}

Outcome<CrashMemoryNeed> find_memory_need(const MachineFiles& files, const ArmRecord& record) {
  const std::string head = TRY(read_head(files.path(record.kernel_path), kKernelHeadSize));
  const KernelImage kernel = TRY(in_context(record.kernel_path, parse_kernel_image(head)));
  return crash_memory_need(kernel, record.image_size, record.image_unpacked_size);
}

Outcome<std::vector<std::string>> find_needed_modules(const MachineFiles& files, const ArmRecord& record) {
  const std::string directory = "/lib/modules/" + record.kernel_version;
  const std::string dep = TRY(files.read(directory + "/modules.dep", kModuleListMax));
  const auto builtin = files.read(directory + "/modules.builtin", kModuleListMax);
  const ModuleSet set =
      TRY(in_context(directory, ModuleSet::parse(dep, builtin.has_value() ? *builtin : std::string())));
  const CrashModulePaths paths = TRY(in_context(directory, choose_crash_modules(set)));
  std::vector<std::string> names;
  for (const std::string& path : paths.early) names.push_back(module_name_of_path(path));
  if (paths.pmem) names.push_back(module_name_of_path(*paths.pmem));
  return names;
}

}  // namespace

CrashKernelFacts gather_crash_kernel_facts(const MachineFiles& files) {
  CrashKernelFacts facts;
  facts.running_release = files.line_or_empty("/proc/sys/kernel/osrelease");
  facts.loaded = read_loaded(files);
  facts.reserved_size = read_reserved(files);
  facts.follows_memory = files.line_or_empty("/sys/devices/system/memory/crash_hotplug") == "1";
  facts.follows_processors = files.line_or_empty("/sys/devices/system/cpu/crash_hotplug") == "1";
  facts.load_disabled = files.line_or_empty("/proc/sys/kernel/kexec_load_disabled") == "1" ||
                        files.line_or_empty("/proc/sys/kernel/kexec_load_limit_panic") == "0";
  facts.record = read_record(files);
  facts.crash_loop = read_crash_loop(files.path(kCrashLoopPath));
  if (facts.record && *facts.record) {
    facts.memory_need = find_memory_need(files, **facts.record);
    facts.needed_modules = find_needed_modules(files, **facts.record);
  }
  facts.has_modules = files.exists("/lib/modules/" + facts.running_release + "/modules.dep");
  facts.watchdog = find_watchdog(files);
  return facts;
}

}  // namespace warmdump
