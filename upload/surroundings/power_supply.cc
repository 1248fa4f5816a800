#include "upload/surroundings/power_supply.h"

#include <fstream>
#include <string>

namespace warmdump {
namespace {

namespace fs = std::filesystem;

std::string line_of(const fs::path& path) {
  std::string line;
  std::getline(std::ifstream(path), line);
  return line;
}

}  // namespace

bool is_on_battery(const fs::path& power_supplies) {
  bool discharges = false;
  std::error_code error;
  for (fs::directory_iterator entry(power_supplies, error), end; !error && entry != end;
       entry.increment(error)) {
    const fs::path& supply = entry->path();
    const std::string type = line_of(supply / "type");
    if (type == "Battery") {
      discharges |= line_of(supply / "status") == "Discharging" && line_of(supply / "scope") != "Device";
    } else if (line_of(supply / "online") == "1") {
      return false;
    }
  }
  return discharges;
}

}  // namespace warmdump
