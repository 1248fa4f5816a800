// One crashkernel= option: what it can say, parsed and printed.
//
//   SIZE[@OFFSET]                       below 4 GiB if there is room, else above; or exactly at OFFSET
//   START-[END]:SIZE[,...][@OFFSET]     the size by the machine's RAM, START <= RAM < END
//   SIZE,high  SIZE,low  SIZE,cma       above 4 GiB; the part below that goes with it; lent to user memory
//   SIZE@OFFSET#POLICY[,POLICY...]      proposed: what to do when OFFSET is taken. No kernel has it so far
//
// Source: kernel/crash_reserve.c (kernel/crash_core.c before it moved), Documentation/admin-guide/kdump. The
// parser here takes what means the same to every kernel; what a kernel makes of anything else tells
// kernel_reading.h.

#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/hosted/failure.h"
#include "common/units.h"

namespace warmdump {

struct SizeForRam {
  ByteCount ram_min = 0;             // inclusive
  std::optional<ByteCount> ram_end;  // exclusive; none: any more
  ByteCount size = 0;

  bool operator==(const SizeForRam&) const = default;
};

enum class CrashkernelSuffix { none, high, low, cma };

// To add one: the word in kPolicyWords (crashkernel_option.cc), its meaning in placement_policy.cc.
enum class PlacementPolicy {
  bottom_up,  // "BU": the next free area above the offset
};

struct CrashkernelOption {
  ByteCount size = 0;              // 0 with `ranges`
  std::vector<SizeForRam> ranges;  // by RAM; none: `size` whatever the RAM
  CrashkernelSuffix suffix = CrashkernelSuffix::none;
  std::optional<PhysicalAddress> offset;
  std::vector<PlacementPolicy> policies;  // in the order they are tried; only with `offset`

  bool operator==(const CrashkernelOption&) const = default;
};

inline constexpr std::string_view kCrashkernelPrefix = "crashkernel=";

// `text` with or without the prefix. ErrorCode::invalid with one sentence: the position (counted from 1, in
// `text`), what was expected there, and what to write. Refused though kernels take it: octal numbers, a unit
// without a number, numbers beyond 64 bits.
Outcome<CrashkernelOption> parse_crashkernel_option(std::string_view text);

// Canonical, without the prefix: sizes as exact_byte_count(), the offset in hexadecimal. The parser reads it
// back as the same option.
std::string crashkernel_option_text(const CrashkernelOption& option);

std::string_view crashkernel_suffix_text(CrashkernelSuffix suffix);  // ",high"; "" for none

// "BU" and so on.
std::string_view placement_policy_text(PlacementPolicy policy);

}  // namespace warmdump
