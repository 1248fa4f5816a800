#include "arm/machine/region_device.h"

#include <algorithm>
#include <charconv>
#include <sstream>

namespace warmdump {
namespace {

const std::string kNvdimmDevices = "/sys/bus/nd/devices/";
const std::string kDaxDevices = "/sys/bus/dax/devices/";

// "0x10fe00000" and "538968064" as sysfs prints them.
std::optional<std::uint64_t> number_of(std::string_view text) {
  while (text.ends_with('\n')) text.remove_suffix(1);
  const int base = text.starts_with("0x") ? 16 : 10;
  if (base == 16) text.remove_prefix(2);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// "region0", or empty.
Outcome<std::string> find_name(const MachineFiles& files, const AddressRange& region) {
  for (const std::string& name : files.names_in(kNvdimmDevices)) {
    if (!name.starts_with("region")) continue;
    const auto start = number_of(TRY(files.read(kNvdimmDevices + name + "/resource")));
    const auto size = number_of(TRY(files.read(kNvdimmDevices + name + "/size")));
    if (start == region.start && size == region.size) return name;
  }
  return std::string();
}

std::string file_name(const std::string& path) {
  return path.substr(path.find_last_of('/') + 1);
}

// The rest of a disk's users: its partitions', what is mounted, swapped to, or stacked upon it.
std::vector<std::string> users_of(const MachineFiles& files, const std::string& disk) {
  std::vector<std::string> users;
  for (const char* list : {"/proc/self/mounts", "/proc/swaps"}) {
    std::istringstream lines(files.line_or_empty(list));
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words(line);
      std::string source, target;
      words >> source >> target;
      // /dev/pmem0, its partition /dev/pmem0p1, and not /dev/pmem01.
      const std::string name = file_name(source);
      if (name != disk && !name.starts_with(disk + "p") && !name.starts_with(disk + "s")) continue;
      users.push_back(std::string_view(list).ends_with("swaps") ? source + " is swap space"
                                                                : source + " is mounted on " + target);
    }
  }
  for (const std::string& holder : files.names_in("/sys/class/block/" + disk + "/holders")) {
    users.push_back("/dev/" + disk + " is held by " + holder);
  }
  return users;
}

void look_at_dax(const MachineFiles& files, const std::string& region_number, RegionDevice& device) {
  device.use = RegionUse::dax_device;
  device.claim_uuid = files.line_or_empty(kNvdimmDevices + device.claim + "/uuid");
  for (const std::string& name : files.names_in(kDaxDevices)) {
    if (!name.starts_with("dax" + region_number + ".")) continue;
    device.memmap_on_memory = files.line_or_empty(kDaxDevices + name + "/memmap_on_memory");
    if (file_name(files.link_target(kDaxDevices + name + "/driver")) == "kmem") {
      device.use = RegionUse::system_ram;
    }
  }
}

std::string first_name_in(const MachineFiles& files, const std::string& folder) {
  const auto names = files.names_in(folder);
  return names.empty() ? std::string() : names.front();
}

}  // namespace

Outcome<std::optional<RegionDevice>> find_region_device(const MachineFiles& files,
                                                        const AddressRange& region) {
  const std::string name = TRY(find_name(files, region));
  if (name.empty()) return std::optional<RegionDevice>();
  const std::string number = name.substr(std::string_view("region").size());
  RegionDevice device;
  device.provider = files.line_or_empty(kNvdimmDevices + name + "/../provider");
  for (const std::string& entry : files.names_in(kNvdimmDevices)) {
    if (entry.starts_with("namespace" + number + ".")) device.name_space = entry;
  }
  if (device.name_space.empty()) return std::optional(device);
  const std::string name_space = kNvdimmDevices + device.name_space;
  device.has_node = files.exists(name_space + "/target_node");
  device.claim = files.line_or_empty(name_space + "/holder");
  if (device.claim.starts_with("dax")) {
    look_at_dax(files, number, device);
    return std::optional(device);
  }
  const bool is_claimed = !device.claim.empty();
  device.disk = first_name_in(files, (is_claimed ? kNvdimmDevices + device.claim : name_space) + "/block");
  if (is_claimed) {
    device.use = RegionUse::claimed;
  } else if (!device.disk.empty()) {
    device.use = RegionUse::raw_disk;
  }
  if (!device.disk.empty()) device.users = users_of(files, device.disk);
  return std::optional(device);
}

}  // namespace warmdump
