#include "arm/machine/saved_machine.h"

#include <fmt/format.h>
#include <sys/utsname.h>

#include <filesystem>

#include "arm/machine/lsmem.h"
#include "arm/machine/machine.h"
#include "arm/machine/text_lines.h"

namespace warmdump {
namespace {

constexpr ByteCount kKallsymsMax = 256 * kMiB;

// What is copied where it exists. To add one: a line here, and its reader in machine.cc. APIC is not read:
// with it the folder of ACPI tables is there, so that a missing SRAT is known to be missing.
constexpr const char* kFiles[] = {
    "/proc/iomem",
    "/proc/cmdline",
    "/proc/sys/kernel/arch",
    "/sys/devices/system/memory/block_size_bytes",
    "/sys/devices/system/node/online",
    "/sys/firmware/acpi/tables/SRAT",
    "/sys/firmware/acpi/tables/APIC",
    "/sys/firmware/efi/fw_platform_size",
    "/sys/kernel/boot_params/data",
};

Outcome<void> write_file(const std::string& folder, const std::string& path, std::string_view bytes) {
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(folder + path).parent_path(), error);
  if (error) return Failure::system("cannot create the folder of " + folder + path, error.value());
  return write_whole_file(folder + path, bytes);
}

Outcome<void> copy_file(const MachineFiles& files, const std::string& folder, const std::string& path) {
  const std::string bytes = TRY(files.read(path));
  return write_file(folder, path, bytes);
}

Outcome<void> copy_plug_devices(const MachineFiles& files, const std::string& folder) {
  const std::string parent = "/sys/bus/acpi/devices";
  for (const std::string& name : files.names_in(parent)) {
    const std::string path = parent + "/" + name + "/status";
    if (name.starts_with("PNP0C80") && files.exists(path)) TRY(copy_file(files, folder, path));
  }
  return {};
}

Outcome<void> write_firmware_map(const std::string& folder, const FirmwareMap& map) {
  std::size_t number = 0;
  for (const FirmwareEntry& entry : map.entries) {
    const std::string place = fmt::format("/sys/firmware/memmap/{}/", number++);
    TRY(write_file(folder, place + "start", fmt::format("{:#x}\n", entry.range.start)));
    TRY(write_file(folder, place + "end", fmt::format("{:#x}\n", entry.range.end() - 1)));
    TRY(write_file(folder, place + "type", entry.type + "\n"));
  }
  return {};
}

// The functions of the kernel by which arm/crashkernel tells its rules; their addresses are nobody's
// business.
Outcome<void> write_crashkernel_symbols(const MachineFiles& files, const std::string& folder) {
  const auto kallsyms = files.read("/proc/kallsyms", kKallsymsMax);
  if (!kallsyms.has_value()) return {};
  std::string kept;
  for (std::string_view text = *kallsyms; !text.empty();) {
    const auto words = words_of(take_line(text));
    if (words.size() == 3 && words[2].find("crashkernel") != std::string_view::npos) {
      kept += fmt::format("{:016x} {} {}\n", 0, words[1], words[2]);
    }
  }
  return kept.empty() ? Outcome<void>() : write_file(folder, "/proc/kallsyms", kept);
}

}  // namespace

Outcome<void> save_machine(const MachineFiles& files, const std::string& folder) {
  std::error_code ignored;
  if (std::filesystem::exists(folder, ignored) && !std::filesystem::is_empty(folder, ignored)) {
    return Failure(ErrorCode::refused, folder + " exists and is not an empty folder: choose another name");
  }
  const Machine machine = TRY(read_machine(files));
  for (const char* path : kFiles) {
    if (files.exists(path)) TRY(copy_file(files, folder, path));
  }
  if (machine.firmware_map) TRY(write_firmware_map(folder, *machine.firmware_map));
  TRY(copy_plug_devices(files, folder));
  TRY(write_crashkernel_symbols(files, folder));
  if (!files.exists("/proc/sys/kernel/arch")) {
    utsname system{};
    if (uname(&system) != 0) return Failure::system("cannot ask for the architecture", errno);
    TRY(write_file(folder, "/proc/sys/kernel/arch", std::string(system.machine) + "\n"));
  }
  if (machine.blocks) TRY(write_file(folder, "/lsmem", print_lsmem(*machine.blocks, machine.block_size)));
  return {};
}

}  // namespace warmdump
