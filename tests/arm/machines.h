// /proc/iomem of machines to plan for.

#pragma once

namespace warmdump::machines {

// A virtual machine with 4 GiB: PCI hole from 3 to 4 GiB, kernel low, crash kernel reserved, no region.
inline constexpr const char* kVirtual4Gib = R"(00000000-00000fff : Reserved
00001000-0009fbff : System RAM
0009fc00-0009ffff : Reserved
000a0000-000bffff : PCI Bus 0000:00
000f0000-000fffff : Reserved
  000f0000-000fffff : System ROM
00100000-bffdffff : System RAM
  b7000000-beffffff : Crash kernel
bffe0000-bfffffff : Reserved
c0000000-febfffff : PCI Bus 0000:00
fec00000-fec003ff : IOAPIC 0
100000000-13fffffff : System RAM
  11b200000-11c1fffff : Kernel code
  11c200000-11cc7bfff : Kernel rodata
  11ce00000-11d1c6dff : Kernel data
)";

// The same after it booted with memmap=514M!0x10fe00000 and gave the region back.
inline constexpr const char* kVirtual4GibArmed = R"(00000000-00000fff : Reserved
00001000-0009fbff : System RAM
0009fc00-000fffff : Reserved
00100000-bffdffff : System RAM
  01000000-01ffffff : Kernel code
  b7000000-beffffff : Crash kernel
bffe0000-bfffffff : Reserved
100000000-10fdfffff : System RAM
10fe00000-12fffffff : Persistent Memory (legacy)
  10fe00000-1101fffff : namespace0.0
  110000000-12fffffff : dax0.0
    110000000-12fffffff : dax0.0
      110000000-12fffffff : System RAM (kmem)
130000000-13fffffff : System RAM
)";

// A laptop with 8 GiB: firmware tables cut the low memory into pieces.
inline constexpr const char* kLaptop8Gib = R"(00000000-00000fff : Reserved
00001000-0009dfff : System RAM
0009e000-000fffff : Reserved
00100000-3fffffff : System RAM
40000000-403fffff : Reserved
40400000-8a3c7fff : System RAM
  79000000-80ffffff : Crash kernel
8a3c8000-8c1fffff : Reserved
8c200000-8cffffff : ACPI Non-volatile Storage
8d000000-8fffffff : Reserved
100000000-26e7fffff : System RAM
  1f5000000-1f6000d2f : Kernel code
26e800000-26fffffff : Reserved
)";

// A server with 128 GiB and two nodes; memory blocks of 2 GiB; nothing above the last node's RAM.
inline constexpr const char* kServer128Gib = R"(00001000-0009ffff : System RAM
00100000-6a7fffff : System RAM
  2b000000-32ffffff : Crash kernel
6a800000-7fffffff : Reserved
100000000-107fffffff : System RAM
  dcac00000-dcbc00000 : Kernel code
1080000000-207fffffff : System RAM
  2074000000-207bffffff : Crash kernel
)";

// A virtual machine with 1 GiB and no RAM above 4 GiB.
inline constexpr const char* kVirtual1Gib = R"(00001000-0009fbff : System RAM
00100000-3ffdefff : System RAM
  01000000-01ffffff : Kernel code
  2e000000-35ffffff : Crash kernel
3ffdf000-3fffffff : Reserved
c0000000-febfffff : PCI Bus 0000:00
)";

// RAM above 4 GiB in pieces of which only one holds more than a block.
inline constexpr const char* kHoles = R"(00001000-0009ffff : System RAM
00100000-bfffffff : System RAM
100000000-107ffffff : System RAM
110000000-12fffffff : System RAM
  118000000-118ffffff : Reserved
140000000-15fffffff : System RAM
170000000-173ffffff : System RAM
)";

// What everybody but root sees.
inline constexpr const char* kWithoutRoot = R"(00000000-00000000 : Reserved
00000000-00000000 : System RAM
  00000000-00000000 : Kernel code
00000000-00000000 : System RAM
)";

}  // namespace warmdump::machines
