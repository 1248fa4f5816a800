#include "initramfs/crash_modules.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "common/hosted/whole_file.h"
#include "initramfs/compressor.h"

namespace warmdump {
namespace {

constexpr ByteCount kIndexSizeMax = 16 * kMiB;  // modules.dep of a distribution kernel: 0.4 MiB
constexpr ByteCount kModuleSizeMax = 16 * kMiB;
constexpr std::array<std::string_view, 4> kNeverLoaded = {"dax_pmem", "dax_pmem_core", "device_dax", "kmem"};
constexpr const char* kPmemModule = "nd_pmem";

Outcome<ModuleFile> read_module(const std::string& directory, const std::string& path) {
  const std::string file = (std::filesystem::path(directory) / path).string();
  const std::string stored = TRY(read_whole_file(file, kModuleSizeMax));
  std::string content = TRY(in_context(file, decompress_by_magic(stored, kModuleSizeMax)));
  constexpr std::string_view kElfMagic =
      "\x7f"
      "ELF";
  if (!content.starts_with(kElfMagic)) {
    return Failure(ErrorCode::unsupported, file + " is not a kernel module, or compressed in an unknown way");
  }
  return ModuleFile{module_name_of_path(path), std::move(content)};
}

// Appends a module and what it needs, as far as they are not there yet.
Outcome<void> add_module(const ModuleSet& set, const std::string& directory, const std::string& name,
                         std::vector<ModuleFile>& modules) {
  for (const std::string& path : TRY(set.load_order({name}))) {
    const std::string module = module_name_of_path(path);
    const bool is_there = std::any_of(modules.begin(), modules.end(),
                                      [&](const ModuleFile& file) { return file.name == module; });
    if (!is_there) modules.push_back(TRY(read_module(directory, path)));
  }
  return {};
}

}  // namespace

Outcome<CrashModulePaths> choose_crash_modules(const ModuleSet& set) {
  auto order = set.load_order({"libnvdimm", "nd_e820", kPmemModule});
  if (!order.has_value()) {
    Failure failure = std::move(order.error());
    if (failure.code == ErrorCode::not_found) {
      failure.code = ErrorCode::unsupported;
      failure.message += "; warmdump needs CONFIG_LIBNVDIMM, CONFIG_X86_PMEM_LEGACY and CONFIG_BLK_DEV_PMEM";
    }
    return failure;
  }
  CrashModulePaths paths;
  for (std::string& path : *order) {
    const std::string name = module_name_of_path(path);
    if (std::find(kNeverLoaded.begin(), kNeverLoaded.end(), name) != kNeverLoaded.end()) {
      return Failure(
          ErrorCode::refused,
          fmt::format("modules.dep loads {} with the pmem driver; it would take the region", name));
    }
    if (name == kPmemModule) {
      paths.pmem = std::move(path);
    } else {
      paths.early.push_back(std::move(path));
    }
  }
  return paths;
}

Outcome<CrashModules> read_crash_modules(const std::string& directory,
                                         const std::vector<std::string>& watchdog_modules,
                                         std::vector<std::string>& missing) {
  const std::string dep_path = directory + "/modules.dep";
  auto dep = read_whole_file(dep_path, kIndexSizeMax);
  if (!dep.has_value()) {
    if (dep.error().code == ErrorCode::not_found) {
      return Failure(
          ErrorCode::not_found,
          fmt::format("{} is missing: install the kernel's modules there and run depmod", dep_path));
    }
    return std::move(dep.error());
  }
  // Without modules.builtin a built-in module is reported as missing, which is all that is lost.
  auto builtin = read_whole_file(directory + "/modules.builtin", kIndexSizeMax);
  const ModuleSet set =
      TRY(in_context(directory, ModuleSet::parse(*dep, builtin.has_value() ? *builtin : "")));
  const CrashModulePaths paths = TRY(in_context(directory, choose_crash_modules(set)));
  CrashModules modules;
  for (const std::string& name : watchdog_modules) {
    if (!add_module(set, directory, name, modules.watchdog).has_value()) missing.push_back(name);
  }
  for (const std::string& path : paths.early) modules.early.push_back(TRY(read_module(directory, path)));
  if (paths.pmem) modules.pmem = TRY(read_module(directory, *paths.pmem));
  return modules;
}

Outcome<CrashModules> read_crash_modules(const std::string& directory) {
  std::vector<std::string> missing;
  return read_crash_modules(directory, {}, missing);
}

}  // namespace warmdump
