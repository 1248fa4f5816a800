#include "recover/region/region_holder.h"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <sstream>
#include <vector>

#include "recover/region/kernel_memory.h"

namespace warmdump {
namespace {

namespace fs = std::filesystem;

bool is_number(const std::string& text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
}

// proc_pid_mountinfo(5): the third field is the device, the fifth where it is mounted.
void add_mounts(const fs::path& root, const std::string& device, std::vector<std::string>& holders) {
  std::ifstream mounts(root / "proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    std::istringstream fields(line);
    std::string id, parent, number, top, place;
    if (fields >> id >> parent >> number >> top >> place && number == device) {
      holders.push_back("mounted at " + place);
    }
  }
}

void add_stacked_disks(const fs::path& sysfs, std::vector<std::string>& holders) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(sysfs / "holders", ignored)) {
    holders.push_back("part of " + entry.path().filename().string());
  }
}

void add_swap(const fs::path& root, const std::string& path, std::vector<std::string>& holders) {
  std::ifstream swaps(root / "proc/swaps");
  for (std::string line; std::getline(swaps, line);) {
    if (line.starts_with(path + " ") || line.starts_with(path + "\t")) holders.push_back("swap space");
  }
}

bool has_open(const fs::path& process, const std::string& path) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(process / "fd", error)) {
    if (fs::read_symlink(entry.path(), error) == path) return true;
  }
  return false;
}

void add_processes(const fs::path& root, const std::string& path, std::vector<std::string>& holders) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(root / "proc", ignored)) {
    const std::string id = entry.path().filename();
    if (!is_number(id) || id == std::to_string(::getpid()) || !has_open(entry.path(), path)) continue;
    holders.push_back("open in " + read_line(entry.path() / "comm") + " (process " + id + ")");
  }
}

}  // namespace

std::string holders_of(const std::string& disk, const fs::path& root) {
  const fs::path sysfs = root / "sys/class/block" / disk;
  std::vector<std::string> holders;
  if (const std::string device = read_line(sysfs / "dev"); !device.empty()) {
    add_mounts(root, device, holders);
  }
  add_stacked_disks(sysfs, holders);
  add_swap(root, "/dev/" + disk, holders);
  add_processes(root, "/dev/" + disk, holders);
  std::string text;
  for (const std::string& holder : holders) text += (text.empty() ? "" : ", ") + holder;
  return text;
}

Failure in_use(Failure failure, const fs::path& disk) {
  if (failure.code != ErrorCode::busy) return failure;
  const std::string holders = holders_of(disk.filename());
  if (!holders.empty()) failure.message += " (" + holders + ")";
  return failure;
}

}  // namespace warmdump
