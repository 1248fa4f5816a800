// Numbers with a unit on the kernel command line, exactly as the kernel's memparse() reads them
// (lib/cmdline.c, simple_strtoull() of lib/vsprintf.c): what it takes, where it stops, and where it silently
// goes wrong.

#pragma once

#include <cstddef>
#include <string_view>

#include "common/units.h"

namespace warmdump {

struct MemoryAmount {
  ByteCount value = 0;     // modulo 2^64, as the kernel computes it
  std::size_t length = 0;  // characters the kernel takes; 0: there is no number
  bool octal = false;      // a leading 0 in front of more digits: the kernel counts in eights
  bool overflowed = false;
  bool has_digits = false;  // "M" alone is taken too, as 0
};

// The amount at the beginning of `text`: decimal, 0x hexadecimal or 0 octal, then at most one of K M G T P E
// in either case.
MemoryAmount read_memory_amount(std::string_view text);

}  // namespace warmdump
