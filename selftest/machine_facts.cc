#include "selftest/machine_facts.h"

#include <span>

namespace warmdump {
namespace {

struct Fact {
  const char* name;
  const char* path;
};

constexpr Fact kMachineFacts[] = {
    {"machine_vendor", "/sys/class/dmi/id/sys_vendor"},
    {"machine", "/sys/class/dmi/id/product_name"},
    {"board", "/sys/class/dmi/id/board_name"},
    {"firmware_vendor", "/sys/class/dmi/id/bios_vendor"},
    {"firmware_version", "/sys/class/dmi/id/bios_version"},
    {"firmware_date", "/sys/class/dmi/id/bios_date"},
    {"kernel", "/proc/sys/kernel/osrelease"},
};

constexpr Fact kResetFacts[] = {
    {"reset_mode", "/sys/kernel/reboot/mode"},
    {"reset_type", "/sys/kernel/reboot/type"},
};

std::map<std::string, std::string> read_facts(const MachineFiles& files, std::span<const Fact> wanted) {
  std::map<std::string, std::string> facts;
  for (const Fact& fact : wanted) {
    std::string value = files.line_or_empty(fact.path);
    while (value.ends_with(' ')) value.pop_back();
    if (!value.empty()) facts[fact.name] = value;
  }
  return facts;
}

}  // namespace

std::map<std::string, std::string> gather_machine_facts(const MachineFiles& files) {
  auto facts = read_facts(files, kMachineFacts);
  facts["firmware"] = files.exists("/sys/firmware/efi") ? "uefi" : "bios";
  return facts;
}

std::map<std::string, std::string> gather_reset_facts(const MachineFiles& files) {
  return read_facts(files, kResetFacts);
}

std::string boot_id(const MachineFiles& files) {
  return files.line_or_empty("/proc/sys/kernel/random/boot_id");
}

}  // namespace warmdump
