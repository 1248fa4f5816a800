#include "arm/status/boot_checks.h"

#include <fmt/format.h>

#include <algorithm>

#include "arm/machine/command_line.h"

namespace warmdump {
namespace {

// MAX_MEMMAP_REGIONS of arch/x86/boot/compressed/kaslr.c: the kernel avoids that many ranges when it chooses
// its address, and chooses none when there are more.
constexpr unsigned kMemmapItemsMax = 4;

// Every item of every memmap= option.
std::vector<std::string_view> memmap_items(std::string_view command_line) {
  constexpr std::string_view kOption = "memmap=";
  std::vector<std::string_view> items;
  for (std::string_view option : command_line_options(command_line)) {
    if (!option.starts_with(kOption)) continue;
    option.remove_prefix(kOption.size());
    while (true) {
      const std::size_t comma = option.find(',');
      items.push_back(option.substr(0, comma));
      if (comma == std::string_view::npos) break;
      option.remove_prefix(comma + 1);
    }
  }
  return items;
}

bool has_option(std::string_view command_line, std::string_view name) {
  const auto options = command_line_options(command_line);
  return std::find(options.begin(), options.end(), name) != options.end();
}

}  // namespace

Finding judge_address_randomization(const StatusFacts& facts) {
  if (has_option(facts.region.command_line, "nokaslr")) return found_ok("switched off by nokaslr");
  const std::size_t items = memmap_items(facts.region.command_line).size();
  if (items <= kMemmapItemsMax) return found_ok(fmt::format("{} memmap= ranges", items));
  return found_warning(
      fmt::format("{} memmap= ranges: the kernel no longer randomises its physical address", items),
      "join neighbouring ranges, or accept that and say nokaslr");
}

Finding judge_memory_limits(const StatusFacts& facts) {
  const std::string mend = "take it off the kernel command line, and reboot";
  for (const std::string_view option : command_line_options(facts.region.command_line)) {
    if (option.starts_with("mem=")) {
      return found_warning(fmt::format("{}: the kernel leaves RAM above that unused, and plans made without "
                                       "it do not fit",
                                       option),
                           mend);
    }
  }
  for (const std::string_view item : memmap_items(facts.region.command_line)) {
    if (item.find('%') != std::string_view::npos) {
      return found_warning(
          fmt::format("memmap={}: kernels take that for a limit of memory when they choose their address",
                      item),
          mend);
    }
    if (item == "exactmap") {
      return found_warning(
          "memmap=exactmap: the firmware's map is ignored, so that nothing proves that the "
          "region is RAM",
          mend);
    }
    if (item.find_first_of("!@#$") == std::string_view::npos) {
      return found_warning(fmt::format("memmap={} limits the memory that the kernel uses", item), mend);
    }
  }
  return found_ok("none");
}

Finding judge_boot_entries(const StatusFacts& facts) {
  if (!facts.region.region) return found_unknown("there is no region to look for", "");
  const BootEntries& entries = facts.system.boot_entries;
  if (entries.count == 0) {
    return found_unknown("no boot loader configuration that this program reads was found or readable", "");
  }
  if (entries.without_region.empty()) {
    return found_ok(fmt::format("all {} entries have the region", entries.count));
  }
  const EntryWithoutRegion& first = entries.without_region.front();
  return found_warning(fmt::format("{} of {} boot entries start without the region, the first at {} line {}: "
                                   "a boot by one of them destroys a dump that waits",
                                   entries.without_region.size(), entries.count, first.file, first.line),
                       "put the options where recovery entries take them from too (GRUB: GRUB_CMDLINE_LINUX, "
                       "not GRUB_CMDLINE_LINUX_DEFAULT)");
}

Finding judge_boot_units(const StatusFacts& facts) {
  const SystemFacts& system = facts.system;
  if (system.boot_manager.empty()) {
    return found_warning("neither systemd nor an upstart job of warmdump was found",
                         "have the boot run `warmdump recover`, then `warmdump arm`");
  }
  if (system.recovers_at_boot && system.arms_at_boot) return found_ok("started by " + system.boot_manager);
  const bool by_upstart = system.boot_manager == "upstart";
  std::string missing;
  if (!system.recovers_at_boot)
    missing += by_upstart ? " warmdump-recover.conf" : " warmdump-recover.service";
  if (!system.arms_at_boot) missing += by_upstart ? " warmdump-arm.conf" : " warmdump-arm.service";
  return found_warning(system.recovers_at_boot
                           ? "the next boot would recover the dump, but not arm the machine again"
                           : "the dump would wait in the region until somebody runs `warmdump recover`",
                       by_upstart ? "copy to /etc/init:" + missing : "systemctl enable" + missing);
}

}  // namespace warmdump
