#include "recover/report/layout.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <iterator>

namespace warmdump {
namespace {

constexpr std::uint64_t kEndOfYear9999 = 253'402'300'800;

// To add one: a row, a directory of it in layout_test.cc, a line in warmdump-recover(8) and warmdump.toml.
//   redhat    kdump-utils of Fedora and RHEL
//   debian    kdump-tools; apport takes only directories of exactly twelve digits
//   suse      kdump of openSUSE and SLES
//   chromeos  the directory is redhat's; crash_sender gets a small report of its own
constexpr DumpLayout kLayouts[] = {
    {"redhat", true, "%Y-%m-%d-%H:%M:%S", "vmcore", "vmcore-dmesg.txt", "", false},
    {"debian", false, "%Y%m%d%H%M", "dump.%Y%m%d%H%M", "dmesg.%Y%m%d%H%M", "", false},
    {"suse", false, "%Y-%m-%d-%H-%M", "vmcore", "dmesg", "README.txt", false},
    {"chromeos", true, "%Y-%m-%d-%H:%M:%S", "vmcore", "vmcore-dmesg.txt", "", true},
};

}  // namespace

std::span<const DumpLayout> dump_layouts() {
  return kLayouts;
}

const DumpLayout* find_dump_layout(std::string_view name) {
  if (name.empty()) return &kLayouts[0];
  const auto* found = std::find_if(std::begin(kLayouts), std::end(kLayouts),
                                   [&](const DumpLayout& layout) { return name == layout.name; });
  return found == std::end(kLayouts) ? nullptr : found;
}

std::string layout_name(const char* pattern, std::uint64_t time_s) {
  const auto time = static_cast<std::time_t>(time_s);
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  std::array<char, 128> name{};
  return {name.data(), std::strftime(name.data(), name.size(), pattern, &parts)};
}

std::uint64_t layout_time(std::uint64_t crash_time_s, std::uint64_t now_s) {
  return crash_time_s == 0 || crash_time_s >= kEndOfYear9999 ? now_s : crash_time_s;
}

}  // namespace warmdump
