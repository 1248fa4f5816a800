// A minimal ELF core of a kernel that has nothing but its log: what vmcore-dmesg(8) needs to print it.

#pragma once

#include <filesystem>

#include "tests/support/printk_ring_builder.h"

namespace warmdump::test {

void write_printk_core(PrintkRingBuilder& ring, const std::filesystem::path& path);

}  // namespace warmdump::test
