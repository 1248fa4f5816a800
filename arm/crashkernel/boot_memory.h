// Memory as the kernel has it when it reserves the crash kernel's: RAM, and what was taken before. Made from
// what the running system shows of it.

#pragma once

#include <string>
#include <vector>

#include "arm/machine/machine.h"
#include "arm/machine/memory_map.h"

namespace warmdump {

struct TakenMemory {
  AddressRange range;
  std::string name;  // "Kernel code", "initial RAM disk", ...
};

struct BootMemory {
  std::vector<AddressRange> ram;           // by address, disjoint; regions of memmap= are not in it
  std::vector<TakenMemory> taken;          // by address
  std::vector<AddressRange> regions;       // that memmap= takes out; the crash kernel must stay off them
  std::vector<AddressRange> hotpluggable;  // may be unplugged; used unless movable_node is set
  bool movable_node = false;               // the kernel keeps off `hotpluggable` by itself
  // Where RAM of one NUMA node ends and that of another begins: no reservation of the kernel lies across.
  std::vector<PhysicalAddress> node_borders;

  ByteCount ram_size() const;
};

// RAM of `machine` as its next boot will have it. Reservations of crashkernel= are free again; the regions of
// its command line, those it has, and `planned` are taken out; memory plugged in since the boot does not
// count where the boot loader's map tells. The kernel's image counts as taken where it is now, the initial
// RAM disk as well, and the last MiB of the highest RAM, where early boot puts page tables and node data.
BootMemory boot_memory_of(const Machine& machine, const std::vector<AddressRange>& planned);

// Parts of RAM that nothing has taken, by address, cut at the nodes' borders; with movable_node without the
// hot-pluggable memory.
std::vector<AddressRange> free_memory(const BootMemory& memory);

}  // namespace warmdump
