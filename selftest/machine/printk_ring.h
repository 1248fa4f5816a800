// The lockless printk ring (Linux 5.10 and newer) of a synthetic machine, filled by the rules of
// kernel/printk/printk_ringbuffer.c, in the layout of x86_64.

#pragma once

#include <string>
#include <vector>

#include "selftest/machine/recipe.h"

namespace warmdump::synthetic {

// Where the parts of the ring will lie.
struct PrintkPlace {
  VirtualAddress descs = 0;
  VirtualAddress infos = 0;
  VirtualAddress text = 0;
};

struct PrintkRing {
  std::vector<std::byte> ring;  // struct printk_ringbuffer
  std::vector<std::byte> descs;
  std::vector<std::byte> infos;
  std::vector<std::byte> text;
  std::vector<LogStatement> readable;  // committed and finalized records still in the ring, oldest first

  static ByteCount ring_size();
  static ByteCount descs_size(const Recipe& recipe);
  static ByteCount infos_size(const Recipe& recipe);
  static ByteCount text_size(const Recipe& recipe);

  // The keys that describe the layout, not the SYMBOL lines.
  static std::vector<std::string> vmcoreinfo_lines();
};

PrintkRing make_printk_ring(const Recipe& recipe, const PrintkPlace& place);

}  // namespace warmdump::synthetic
