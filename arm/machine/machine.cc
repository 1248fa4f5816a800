#include "arm/machine/machine.h"

#include <fmt/format.h>

#include <algorithm>

#include "arm/machine/lsmem.h"
#include "arm/machine/number_text.h"

namespace warmdump {
namespace {

constexpr const char* kBlockSizePath = "/sys/devices/system/memory/block_size_bytes";
constexpr const char* kBootParametersPath = "/sys/kernel/boot_params/data";
constexpr const char* kAcpiTables = "/sys/firmware/acpi/tables";
constexpr const char* kAcpiDevices = "/sys/bus/acpi/devices";
constexpr unsigned kNodesMax = 1024;  // Linux: NODES_SHIFT is at most 10

// A file of the running system, or of a saved machine either at its place or at the top.
std::optional<std::string> place_of(const MachineFiles& files, const std::string& path) {
  if (files.exists(path)) return path;
  const std::string at_top = path.substr(path.rfind('/'));
  if (files.exists(at_top)) return at_top;
  return std::nullopt;
}

Failure missing(const MachineFiles& files, const std::string& path) {
  const std::string name = path.substr(path.rfind('/') + 1);
  return Failure(
      ErrorCode::not_found,
      fmt::format("{} is missing, and so is {}: on that machine run, as root, `warmdump plan --save "
                  "DIR` or `cat {} > DIR/{}`",
                  files.path(path), files.path("/" + name), path, name));
}

Outcome<MemoryMap> read_map(const MachineFiles& files) {
  const auto path = place_of(files, "/proc/iomem");
  if (!path) return missing(files, "/proc/iomem");
  const std::string text = TRY(files.read(*path));
  return in_context(files.path(*path), parse_memory_map(text));
}

Outcome<ByteCount> read_block_size(const MachineFiles& files) {
  if (const auto path = place_of(files, kBlockSizePath)) {
    const std::string text = TRY(files.read(*path));
    return in_context(files.path(*path), parse_block_size(text));
  }
  const auto listing = files.read("/lsmem");
  if (listing.has_value()) {
    if (const auto size = block_size_of_lsmem(*listing)) return *size;
  }
  return missing(files, kBlockSizePath);
}

// Kernels before 6.1 have no /proc/sys/kernel/arch. arm64 lists what early boot reserved inside System RAM
// as "reserved", x86 spells it otherwise and has an interrupt controller of its own.
Architecture architecture_of(const MachineFiles& files, const MemoryMap& map) {
  const std::string name = files.line_or_empty("/proc/sys/kernel/arch");
  if (name == "x86_64") return Architecture::x86_64;
  if (name == "aarch64") return Architecture::arm64;
  if (!name.empty()) return Architecture::other;
  return std::any_of(map.entries.begin(), map.entries.end(),
                     [](const MapEntry& entry) { return entry.depth > 0 && entry.name == "reserved"; })
             ? Architecture::arm64
             : Architecture::x86_64;
}

BootFirmware boot_firmware_of(const MachineFiles& files, const Machine& machine) {
  if (files.exists("/sys/firmware/efi") || (machine.boot && machine.boot->efi)) return BootFirmware::efi;
  if (machine.boot || files.exists("/sys/firmware")) return BootFirmware::bios;
  return BootFirmware::unknown;
}

void read_affinity(const MachineFiles& files, Machine& machine) {
  if (machine.options.affinity_ignored) {
    machine.affinity_state = TableState::absent;
    return;
  }
  const std::vector<std::string> tables = files.names_in(kAcpiTables);
  if (std::find(tables.begin(), tables.end(), "SRAT") == tables.end()) {
    // Every machine with ACPI has some table; an empty folder is one that could not be listed.
    if (!tables.empty()) {
      machine.affinity_state = TableState::absent;
    } else if (machine.architecture == Architecture::x86_64) {
      machine.unknown.emplace_back(
          "no list of ACPI tables (/sys/firmware/acpi/tables): planned as if there were no affinity table "
          "SRAT");
    }
    return;
  }
  const std::string path = std::string(kAcpiTables) + "/SRAT";
  const auto table = files.read(path);
  auto ranges = table.has_value() ? parse_memory_affinity(*table)
                                  : Outcome<std::vector<AffinityRange>>(Failure(table.error()));
  if (!ranges.has_value()) {
    machine.unknown.push_back(fmt::format("{} cannot be read ({}): which memory can be plugged is not known",
                                          path, ranges.error().message));
    return;
  }
  machine.affinity_state = TableState::present;
  machine.affinity = std::move(*ranges);
}

unsigned count_plug_devices(const MachineFiles& files) {
  unsigned count = 0;
  for (const std::string& name : files.names_in(kAcpiDevices)) {
    if (!name.starts_with("PNP0C80")) continue;
    // _STA: bit 0 is present, bit 1 enabled (ACPI specification 6.5, section 6.3.7).
    const auto status =
        parse_decimal(files.line_or_empty(std::string(kAcpiDevices) + "/" + name + "/status"));
    if (status && (*status & 3) == 3) ++count;
  }
  return count;
}

void read_boot_parameters(const MachineFiles& files, Machine& machine) {
  if (machine.architecture != Architecture::x86_64 || !files.exists(kBootParametersPath)) return;
  const auto bytes = files.read(kBootParametersPath);
  auto parameters =
      bytes.has_value() ? parse_boot_parameters(*bytes) : Outcome<BootParameters>(Failure(bytes.error()));
  if (parameters.has_value()) {
    machine.boot = std::move(*parameters);
  } else {
    machine.unknown.push_back(fmt::format("{}: {}", kBootParametersPath, parameters.error().message));
  }
}

void tell_unknown(Machine& machine) {
  const auto tell = [&machine](bool known, const char* sentence) {
    if (!known) machine.unknown.emplace_back(sentence);
  };
  tell(
      machine.firmware_map.has_value(),
      "no firmware memory map (/sys/firmware/memmap): the borders of its entries are taken from /proc/iomem");
  tell(machine.blocks.has_value(),
       "no memory blocks (/sys/devices/system/memory, lsmem): zones and nodes of memory are not known");
  tell(machine.command_line.has_value(), "no kernel command line: its options are not known");
  if (machine.architecture == Architecture::x86_64) {
    tell(machine.boot.has_value(),
         "no boot parameters (/sys/kernel/boot_params/data): where the initrd lay, and which memory was "
         "plugged in after boot, is not known");
  }
}

}  // namespace

std::optional<std::vector<unsigned>> parse_number_list(std::string_view text) {
  std::vector<unsigned> numbers;
  while (!text.empty()) {
    const std::string_view item = text.substr(0, text.find(','));
    text.remove_prefix(std::min(item.size() + 1, text.size()));
    const auto dash = item.find('-');
    const auto first = parse_decimal(item.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : parse_decimal(item.substr(dash + 1));
    if (!first || !last || *last < *first || *last >= kNodesMax) return std::nullopt;
    for (std::uint64_t number = *first; number <= *last; ++number) {
      numbers.push_back(static_cast<unsigned>(number));
    }
  }
  if (numbers.empty()) return std::nullopt;
  return numbers;
}

std::optional<unsigned> node_of(const Machine& machine, const AddressRange& range) {
  if (machine.nodes && machine.nodes->size() == 1) return machine.nodes->front();
  if (!machine.blocks) return std::nullopt;
  std::optional<unsigned> node;
  for (const MemoryBlocks& blocks : *machine.blocks) {
    if (!blocks.range.overlaps(range)) continue;
    if (!blocks.node || (node && node != blocks.node)) return std::nullopt;
    node = blocks.node;
  }
  return node;
}

Outcome<Machine> read_machine(const MachineFiles& files, std::optional<ByteCount> block_size) {
  Machine machine;
  machine.map = TRY(read_map(files));
  machine.block_size = block_size ? *block_size : TRY(read_block_size(files));
  machine.architecture = architecture_of(files, machine.map);
  if (const auto path = place_of(files, "/proc/cmdline")) {
    TRY(files.read(*path));
    machine.command_line = files.line_or_empty(*path);
    machine.options = memory_options_of(*machine.command_line);
  }
  machine.firmware_map = TRY(read_firmware_map(files));
  machine.blocks = TRY(read_memory_blocks(files, machine.block_size));
  machine.nodes = parse_number_list(files.line_or_empty("/sys/devices/system/node/online"));
  read_boot_parameters(files, machine);
  machine.boot_firmware = boot_firmware_of(files, machine);
  read_affinity(files, machine);
  machine.plug_devices = count_plug_devices(files);
  tell_unknown(machine);
  return machine;
}

}  // namespace warmdump
