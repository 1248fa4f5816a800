#include "arm/load/proof.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>

#include "arm/load/active_region.h"
#include "arm/machine/boot_parameters.h"
#include "arm/machine/command_line.h"
#include "arm/machine/memory_fingerprint.h"
#include "arm/machine/region_device.h"
#include "common/hosted/byte_count_text.h"

namespace warmdump {
namespace {

constexpr const char* kChooseRegion =
    "choose a region with `warmdump plan`, change the kernel command line and reboot";
constexpr const char* kArmAgain = "run `warmdump arm`";

struct Found {
  Verdict verdict = Verdict::unknown;
  std::string seen;
  std::string remedy = {};
};

Found holds(std::string seen) {
  return {Verdict::holds, std::move(seen)};
}
Found fails(std::string seen, std::string remedy) {
  return {Verdict::fails, std::move(seen), std::move(remedy)};
}
Found unknown(std::string why) {
  return {Verdict::unknown, std::move(why)};
}

// What a check may look at; `region` and `map` only where it says that it needs them.
struct Input {
  const MachineFiles& files;
  const ProofFacts& facts;
  const std::optional<std::string>& crash_command_line;

  const AddressRange& region() const { return *facts.region; }
  const MemoryMap& map() const { return *facts.map; }
};

std::optional<std::uint64_t> number_of(std::string_view text, int base) {
  if (base == 16 && text.starts_with("0x")) text.remove_prefix(2);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// "crash_size" as /sys/kernel/kexec_crash_size, or as /sys/kernel/kexec/crash_size.
std::optional<std::uint64_t> kexec_number(const MachineFiles& files, const std::string& name) {
  for (const char* prefix : {"/sys/kernel/kexec_", "/sys/kernel/kexec/"}) {
    if (auto number = number_of(files.line_or_empty(prefix + name), 10)) return number;
  }
  return std::nullopt;
}

Found one_region(const Input& input) {
  if (!input.facts.region.has_value()) {
    const Failure& error = input.facts.region.error();
    return error.code == ErrorCode::no_permission ? unknown(error.message)
                                                  : fails(error.message, kChooseRegion);
  }
  return holds(fmt::format("{}, as on the kernel command line", address_range_text(input.region())));
}

// What the drivers that give a region back put into it, and nothing else.
bool belongs_to_region(const MapEntry& entry) {
  constexpr std::string_view kPrefixes[] = {"namespace", "dax", "pfn", "btt"};
  return entry.name == kPersistentMemoryName || entry.name == "System RAM (kmem)" ||
         std::any_of(std::begin(kPrefixes), std::end(kPrefixes),
                     [&](std::string_view prefix) { return entry.name.starts_with(prefix); });
}

Found nothing_inside(const Input& input) {
  for (const MapEntry& entry : input.map().entries) {
    if (entry.range.overlaps(input.region()) && !belongs_to_region(entry)) {
      return fails(
          fmt::format("/proc/iomem has \"{}\" in it, at {}", entry.name, address_range_text(entry.range)),
          kChooseRegion);
    }
  }
  return holds("/proc/iomem has nothing in it but the region itself");
}

Found firmware_gives_it(const Input& input) {
  const std::string folder = "/sys/firmware/memmap/";
  ByteCount covered = 0;
  const auto names = input.files.names_in(folder);
  for (const std::string& name : names) {
    const auto first = number_of(input.files.line_or_empty(folder + name + "/start"), 16);
    const auto last = number_of(input.files.line_or_empty(folder + name + "/end"), 16);
    if (!first || !last || *last < *first) continue;
    const AddressRange range{*first, *last - *first + 1};
    if (!range.overlaps(input.region())) continue;
    const std::string type = input.files.line_or_empty(folder + name + "/type");
    if (type != kSystemRamName && type != kPersistentMemoryName) {
      return fails(
          fmt::format("the firmware has \"{}\" in it, at {}", type.substr(0, 40), address_range_text(range)),
          kChooseRegion);
    }
    covered += std::min(range.end(), input.region().end()) - std::max(range.start, input.region().start);
  }
  if (names.empty()) return unknown("/sys/firmware/memmap is not there");
  if (covered < input.region().size) {
    return fails(fmt::format("the firmware gives {} of it as RAM", readable_byte_count(covered)),
                 kChooseRegion);
  }
  return holds("the firmware gives all of it as RAM");
}

Found initrd_outside(const Input& input) {
  const auto bytes = input.files.read("/sys/kernel/boot_params/data");
  if (!bytes.has_value()) return unknown(bytes.error().message);
  const auto parameters = parse_boot_parameters(*bytes);
  if (!parameters.has_value()) return unknown("/sys/kernel/boot_params/data: " + parameters.error().message);
  const auto& initrd = parameters->initrd;
  if (!initrd) return holds("this boot had no initrd");
  if (initrd->overlaps(input.region())) {
    return fails(
        fmt::format("the boot loader put the initrd into it, at {}: the next boot would overwrite the dump",
                    address_range_text(*initrd)),
        kChooseRegion);
  }
  return holds(fmt::format("the boot loader put the initrd at {}", address_range_text(*initrd)));
}

Found blocks_movable(const Input& input) {
  const std::string folder = "/sys/devices/system/memory/";
  const auto text = input.files.read(folder + "block_size_bytes");
  if (!text.has_value()) return unknown(text.error().message);
  const auto block_size = parse_block_size(*text);
  if (!block_size.has_value()) return unknown(block_size.error().message);
  std::uint64_t online = 0;
  const std::uint64_t first = (input.region().start + *block_size - 1) / *block_size;
  for (std::uint64_t block = first; (block + 1) * *block_size <= input.region().end(); ++block) {
    const std::string path = fmt::format("{}memory{}", folder, block);
    const std::string state = input.files.line_or_empty(path + "/state");
    if (state.empty() || state == "offline") continue;
    ++online;
    const std::string zones = input.files.line_or_empty(path + "/valid_zones");
    if (zones != "Movable") {
      return fails(fmt::format("memory{} is {} and {}", block, state,
                               zones.empty() ? "its zone is not told" : "in zone " + zones),
                   "kernel memory may lie in the region: find out what brings new memory online (a udev "
                   "rule, auto_online_blocks), then run `warmdump recover`, which tries to make it Movable; "
                   "where it cannot, reboot first");
    }
  }
  return holds(online == 0 ? "none of its memory blocks is online"
                           : fmt::format("{} memory blocks online, all Movable", online));
}

Outcome<RegionDevice> device_of(const Input& input) {
  auto device = TRY(find_region_device(input.files, input.region()));
  if (!device) return Failure(ErrorCode::not_found, "the nvdimm drivers do not show it");
  return std::move(*device);
}

Found struct_pages_outside(const Input& input) {
  const auto device = device_of(input);
  if (!device.has_value()) return unknown(device.error().message);
  const std::string policy =
      input.files.line_or_empty("/sys/module/memory_hotplug/parameters/memmap_on_memory");
  const bool is_possible = !policy.empty() && policy != "N" && policy != "0";
  // Where the attribute is missing (before Linux 6.8), kmem never asks for it.
  if (is_possible && device->memmap_on_memory == "1") {
    return fails(fmt::format("memory_hotplug.memmap_on_memory is {} and the DAX device asks for it", policy),
                 "boot without memory_hotplug.memmap_on_memory");
  }
  return holds(is_possible ? "the DAX device does not ask for memmap_on_memory" : "memmap_on_memory is off");
}

Found not_used_otherwise(const Input& input) {
  const auto device = device_of(input);
  if (!device.has_value()) return unknown(device.error().message);
  if (device->provider == "ramdax") {
    return fails("the driver ramdax serves it and keeps a label area at its end",
                 "unbind ramdax from e820_pmem, or take its driver_override away, and reboot");
  }
  if (!device->users.empty()) {
    return fails(device->users.front(),
                 "the next crash would overwrite that: unmount it for good, or give it memory of its own");
  }
  if (device->use == RegionUse::claimed) {
    return fails(fmt::format("{} sits on it", device->claim),
                 "the next crash would overwrite that: destroy it with `ndctl destroy-namespace`");
  }
  return holds("nobody has it mounted or claimed");
}

Found same_command_lines(const Input& input) {
  if (!input.crash_command_line) return unknown("the crash kernel's command line is not known");
  const auto running = regions_of_command_line(input.facts.command_line);
  const auto crash = regions_of_command_line(*input.crash_command_line);
  if (!running.has_value()) return fails(running.error().message, kChooseRegion);
  if (!crash.has_value()) return fails(crash.error().message, kArmAgain);
  const auto has = [](const std::vector<AddressRange>& regions, const AddressRange& region) {
    return std::find(regions.begin(), regions.end(), region) != regions.end();
  };
  if (!has(*crash, input.region())) {
    return fails("the crash kernel's command line lacks memmap=" + memmap_value(input.region()), kArmAgain);
  }
  for (const AddressRange& region : *crash) {
    if (!has(*running, region)) {
      return fails(
          fmt::format("only the crash kernel's command line has memmap={}", memmap_value(region)),
          "take that out of --append-cmdline or append_cmdline in the settings, and run `warmdump arm`");
    }
  }
  return holds("both have memmap=" + memmap_value(input.region()));
}

Found memory_reserved(const Input& input) {
  const auto size = kexec_number(input.files, "crash_size");
  if (!size) return unknown("the kernel does not tell what crashkernel= reserved");
  if (*size == 0) {
    return fails("no memory is set apart for a crash kernel",
                 "add crashkernel=96M to the kernel command line and reboot");
  }
  return holds(fmt::format("crashkernel= reserves {}", readable_byte_count(*size)));
}

enum Needs : unsigned { kNothing = 0, kMap = 1, kRegion = 2 };

struct Check {
  std::string_view name;
  unsigned needs;  // else the check is unknown
  Found (*run)(const Input& input);
  const char* wanted;
};

// To add one: a function above, a row here, a machine that fails just that one in
// tests/arm/load/proof_test.cc, a line in docs/man/warmdump-arm.8. Order is that of telling.
constexpr Check kChecks[] = {
    {"region", kNothing, one_region, "exactly one region, the same as memmap= on the kernel command line"},
    {"nothing-inside", kMap | kRegion, nothing_inside, "nothing of the kernel or a device in the region"},
    {"firmware", kRegion, firmware_gives_it, "RAM by the firmware's own map, all of it"},
    {"initrd", kRegion, initrd_outside, "the initrd outside the region"},
    {"movable", kRegion, blocks_movable, "every online memory block of the region in zone Movable"},
    {"struct-pages", kRegion, struct_pages_outside, "the region's struct pages outside of it"},
    {"unused", kRegion, not_used_otherwise, "no driver, file system or swap space on the region but ours"},
    {"same-region", kRegion, same_command_lines, "the same memmap= on both command lines"},
    {"crash-memory", kNothing, memory_reserved, "memory set apart by crashkernel="},
};

Found run_check(const Check& check, const Input& input) {
  if ((check.needs & kMap) != 0 && !input.facts.map.has_value()) {
    return unknown(input.facts.map.error().message);
  }
  if ((check.needs & kRegion) != 0 && !input.facts.region.has_value()) {
    return unknown("there is no region to look at");
  }
  return check.run(input);
}

ProofResult result_of(std::string_view name, Found finding, const char* wanted) {
  return {name, finding.verdict, std::move(finding.seen), wanted, std::move(finding.remedy)};
}

Outcome<MemoryMap> read_map(const MachineFiles& files) {
  return parse_memory_map(TRY(files.read("/proc/iomem")));
}

Outcome<AddressRange> find_region(const Outcome<MemoryMap>& map, const Outcome<std::string>& command_line,
                                  const std::optional<AddressRange>& wanted) {
  if (!map.has_value()) return map.error();
  if (!command_line.has_value()) return command_line.error();
  return find_active_region(*map, *command_line, wanted);
}

Found crash_kernel_loaded(const MachineFiles& files) {
  const auto loaded = kexec_number(files, "crash_loaded");
  if (!loaded) return unknown("the kernel does not tell whether a crash kernel is loaded");
  if (*loaded == 0) return fails("no crash kernel is loaded", kArmAgain);
  return holds("a crash kernel is loaded");
}

Found knows_all_memory(const MachineFiles& files, const std::optional<ArmRecord>& record) {
  if (kernel_updates_elfcorehdr(files)) return holds("the kernel keeps it up to date by itself");
  if (!record || record->memory.empty()) {
    return unknown("no record of this boot tells which memory the loaded crash kernel knows");
  }
  const auto map = read_map(files);
  if (!map.has_value()) return unknown(map.error().message);
  const auto fingerprint = memory_fingerprint(files, *map);
  if (!fingerprint.has_value()) return unknown(fingerprint.error().message);
  if (*fingerprint != record->memory) {
    return fails("memory or processors were added or removed since it was loaded",
                 "run `warmdump arm --reload`");
  }
  return holds("memory and processors are what they were when it was loaded");
}

}  // namespace

ProofFacts read_proof_facts(const MachineFiles& files, const std::optional<AddressRange>& wanted_region) {
  auto map = read_map(files);
  auto command_line = files.read("/proc/cmdline");
  auto region = find_region(map, command_line, wanted_region);
  return {std::move(map), command_line.has_value() ? std::move(*command_line) : "", std::move(region)};
}

std::vector<ProofResult> prove_before_load(const MachineFiles& files, const ProofFacts& facts,
                                           const std::optional<std::string>& crash_command_line) {
  const Input input{files, facts, crash_command_line};
  std::vector<ProofResult> results;
  for (const Check& check : kChecks) {
    results.push_back(result_of(check.name, run_check(check, input), check.wanted));
  }
  return results;
}

std::vector<ProofResult> prove_loaded(const MachineFiles& files, const std::optional<ArmRecord>& record) {
  return {result_of("loaded", crash_kernel_loaded(files), "a crash kernel is loaded"),
          result_of("all-memory", knows_all_memory(files, record),
                    "the loaded crash kernel knows of all memory and processors")};
}

Outcome<void> check_proof(const std::vector<ProofResult>& results) {
  for (const ProofResult& result : results) {
    if (result.verdict != Verdict::fails) continue;
    return Failure(ErrorCode::refused, fmt::format("not safe ({}): {}; wanted: {}. What to do: {}",
                                                   result.name, result.seen, result.wanted, result.remedy));
  }
  return {};
}

}  // namespace warmdump
