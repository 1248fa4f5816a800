// Memory encryption of the processor. The memory controller takes a new key at a reset, and what was written
// with the old one reads as noise: no dump survives in encrypted RAM.

#pragma once

#include "arm/machine/machine_files.h"

namespace warmdump {

struct MemoryEncryption {
  // AMD SME: the kernel decides page by page. The flag in /proc/cpuinfo stays only where the firmware has
  // switched it on. The raw PMEM mapping is not encrypted (memremap_should_map_decrypted() in
  // arch/x86/mm/ioremap.c), so a dump written that way survives.
  bool sme_offered = false;
  bool sme_wanted = false;       // mem_encrypt=on on the command line; a kernel can also be built so
  bool tme_offered = false;      // Intel TME: all RAM, unseen by the kernel; whether it is on is not told
  bool encrypted_guest = false;  // AMD SEV or Intel TDX: the host starts a reset guest with a new key
};

MemoryEncryption find_memory_encryption(const MachineFiles& files);

}  // namespace warmdump
