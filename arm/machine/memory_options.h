// Options of the kernel command line that change what memory the kernel has and where it uses it.

#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace warmdump {

struct MemoryOptions {
  bool movable_node = false;      // hot-pluggable nodes become movable
  bool movable_split = false;     // movablecore= or kernelcore=: the kernel makes a movable zone of its own
  bool affinity_ignored = false;  // numa=off, numa=noacpi or acpi=off: SRAT is not used
  bool no_randomisation = false;  // nokaslr
  // memmap= items that address randomisation keeps off (`!`, `#`, `$`), those of regions among them.
  unsigned memmap_items = 0;
};

// How many memmap= items address randomisation knows; it does not see the others, and may put the kernel
// there (Linux: MAX_MEMMAP_REGIONS in arch/x86/boot/compressed/kaslr.c).
inline constexpr unsigned kMemmapItemsMax = 4;

MemoryOptions memory_options_of(std::string_view command_line);

}  // namespace warmdump
