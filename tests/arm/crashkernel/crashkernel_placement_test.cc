#include "arm/crashkernel/crashkernel_placement.h"

#include <gmock/gmock.h>

#include <random>

#include "arm/crashkernel/crashkernel_option.h"
#include "arm/crashkernel/placement_policy.h"
#include "arm/machine/address_ranges.h"
#include "tests/arm/machines.h"

namespace warmdump {
namespace {

using testing::HasSubstr;

const CrashkernelRules kOlder = older_x86_64_rules();
const CrashkernelRules kNewest = common_x86_64_rules(true);

// 1 GiB low, 1 GiB above 4 GiB, nothing taken.
BootMemory two_pieces() {
  BootMemory memory;
  memory.ram = {{kMiB, kGiB - kMiB}, {4 * kGiB, kGiB}};
  return memory;
}

CrashkernelPlacement place(std::string_view command_line, const BootMemory& memory,
                           const CrashkernelRules& rules = kNewest) {
  return place_crashkernel(read_crashkernel_as_kernel(command_line, memory.ram_size(), rules), memory, rules);
}

std::string text(const std::optional<AddressRange>& range) {
  return range ? address_range_text(*range) : "none";
}

TEST(CrashkernelPlacement, below_the_limit_first_and_as_high_as_possible) {
  EXPECT_EQ(text(place("crashkernel=96M", two_pieces()).range), "0x3a000000-0x3fffffff");
  BootMemory memory = two_pieces();
  memory.taken = {{{kGiB - 4096, 4096}, "initial RAM disk"}};
  const auto pushed = place("crashkernel=96M", memory);
  EXPECT_EQ(text(pushed.range), "0x39000000-0x3effffff") << "a page in the way costs a whole step";
  EXPECT_EQ(pushed.slack, 16 * kMiB - 4096);
  EXPECT_FALSE(pushed.low);
  EXPECT_EQ(text(place("crashkernel=100000K", two_pieces()).range), "0x39000000-0x3f1a7fff");
}

TEST(CrashkernelPlacement, above_it_when_below_is_no_room_with_low_memory) {
  BootMemory memory = two_pieces();
  memory.taken = {{{512 * kMiB, kMiB}, "Kernel code"}};
  const auto placement = place("crashkernel=600M", memory);
  EXPECT_EQ(text(placement.range), "0x11a000000-0x13f7fffff");
  EXPECT_EQ(text(placement.low), "0x30000000-0x3fffffff");
  memory.taken = {{{256 * kMiB, kMiB}, "Kernel code"}};
  EXPECT_EQ(text(place("crashkernel=752M", memory).range), "0x11000000-0x3fffffff");
  EXPECT_EQ(text(place("crashkernel=753M", memory).range), "0x110000000-0x13f0fffff")
      << "767 MiB are free below, but not from a multiple of 16 MiB";
}

TEST(CrashkernelPlacement, high_goes_above_and_falls_back) {
  const auto placement = place("crashkernel=96M,high", two_pieces());
  EXPECT_EQ(text(placement.range), "0x13a000000-0x13fffffff");
  EXPECT_EQ(text(placement.low), "0x30000000-0x3fffffff");
  const auto alone = place("crashkernel=96M,high crashkernel=0,low", two_pieces());
  EXPECT_EQ(text(alone.range), "0x13a000000-0x13fffffff");
  EXPECT_FALSE(alone.low);
  BootMemory small;
  small.ram = {{kMiB, kGiB - kMiB}};
  for (const CrashkernelRules& rules : {kOlder, kNewest}) {
    const auto fallen = place("crashkernel=96M,high", small, rules);
    EXPECT_EQ(text(fallen.range), "0x3a000000-0x3fffffff");
    EXPECT_FALSE(fallen.low) << "it is low itself";
  }
}

TEST(CrashkernelPlacement, without_room_for_low_memory_all_of_it_fails) {
  BootMemory memory;
  memory.ram = {{kMiB, 200 * kMiB}, {4 * kGiB, kGiB}};
  EXPECT_THAT(place("crashkernel=96M,high", memory).failure, HasSubstr("gives up the whole reservation"));
  EXPECT_THAT(place("crashkernel=512M", memory).failure, HasSubstr("gives up the whole reservation"));
  EXPECT_TRUE(place("crashkernel=96M,high crashkernel=72M,low", memory).range);
  EXPECT_FALSE(place("crashkernel=512M crashkernel=72M,low", memory).range) << "not read without ,high";
  EXPECT_TRUE(place("crashkernel=512M crashkernel=72M,low", memory, kOlder).range) << "there it is";
}

TEST(CrashkernelPlacement, a_fixed_offset_or_nothing) {
  BootMemory memory = two_pieces();
  memory.taken = {{{0x20000000, kMiB}, "Kernel code"}};
  memory.regions = {{kGiB, 130 * kMiB}};
  EXPECT_EQ(text(place("crashkernel=96M@0x10000000", memory).range), "0x10000000-0x15ffffff");
  EXPECT_TRUE(place("crashkernel=96M@0x10000000", memory).fixed);
  EXPECT_EQ(text(place("crashkernel=256M@0x10000000", memory).range), "0x10000000-0x1fffffff")
      << "up to the taken";
  EXPECT_THAT(place("crashkernel=257M@0x10000000", memory).failure, HasSubstr("taken by Kernel code"));
  EXPECT_THAT(place("crashkernel=96M@0x3b000000", memory).failure, HasSubstr("the region 0x40000000"));
  EXPECT_THAT(place("crashkernel=96M@0x50000000", memory).failure, HasSubstr("not all RAM"));
  EXPECT_THAT(place("crashkernel=96M@0xfffffffffb000000", memory).failure, HasSubstr("64 bits"));
}

TEST(CrashkernelPlacement, alignment_of_an_offset_by_rules) {
  EXPECT_TRUE(place("crashkernel=96M@0x10100000", two_pieces(), kOlder).range);
  EXPECT_THAT(place("crashkernel=96M@0x10080000", two_pieces(), kOlder).failure,
              HasSubstr("Write 0x10100000"));
  EXPECT_THAT(place("crashkernel=96M@0x10100000", two_pieces()).failure, HasSubstr("Write 0x11000000"));
}

TEST(CrashkernelPlacement, an_offset_above_the_limit_takes_low_memory_in_older_code) {
  EXPECT_TRUE(place("crashkernel=96M@0x110000000", two_pieces(), kOlder).low);
  EXPECT_FALSE(place("crashkernel=96M@0x110000000", two_pieces()).low);
}

TEST(CrashkernelPlacement, never_in_hotpluggable_memory_with_movable_node) {
  BootMemory memory = two_pieces();
  memory.hotpluggable = {{4 * kGiB, kGiB}};
  EXPECT_THAT(place("crashkernel=96M,high", memory).collisions, testing::ElementsAre(HasSubstr("unplugged")));
  EXPECT_TRUE(place("crashkernel=96M", memory).collisions.empty());
  memory.movable_node = true;
  EXPECT_EQ(text(place("crashkernel=96M,high", memory).range), "0x3a000000-0x3fffffff");
  EXPECT_THAT(place("crashkernel=96M@0x110000000", memory).failure, HasSubstr("unplugged"));
}

TEST(CrashkernelPlacement, arm64_limits) {
  const CrashkernelRules rules = common_arm64_rules(true);
  BootMemory memory;
  memory.ram = {{kGiB, kGiB - kMiB}};
  EXPECT_EQ(text(place("crashkernel=96M", memory, rules).range), "0x79e00000-0x7fdfffff")
      << "multiples of 2 MiB";
  memory.ram.push_back({8 * kGiB, kGiB});
  EXPECT_EQ(place("crashkernel=96M,high", memory, rules).low->size, 128 * kMiB);
  EXPECT_EQ(zone_of(kGiB, rules), "DMA");
  EXPECT_EQ(zone_of(kGiB, kNewest), "DMA32");
  EXPECT_EQ(zone_of(kMiB, kNewest), "DMA");
  EXPECT_EQ(zone_of(4 * kGiB, kNewest), "Normal");
}

TEST(PlacementPolicy, offset_taken_or_not) {
  BootMemory memory = two_pieces();
  memory.taken = {{{0x20000000, 20 * kMiB}, "Kernel code"}};
  const auto by = [&memory](const char* option, const CrashkernelRules& rules = kNewest) {
    return place_by_policy(*parse_crashkernel_option(option), memory, rules);
  };
  EXPECT_TRUE(by("64M@0x10000000#BU").at_offset);
  EXPECT_EQ(by("64M@0x10000000#BU").for_this_kernel, "crashkernel=64M@0x10000000");
  EXPECT_EQ(text(by("64M@0x20000000#BU").range), "0x22000000-0x25ffffff") << "the next multiple of 16 MiB";
  EXPECT_EQ(by("64M@0x20000000#BU").for_this_kernel, "crashkernel=64M@0x22000000");
  EXPECT_FALSE(by("64M@0x20000000").range) << "without a policy there or nowhere";
  EXPECT_THAT(by("64M@0x20000000").failure, HasSubstr("64M@0x20000000#BU"));
  EXPECT_EQ(text(by("600M@0x10000000#BU").range), "0x100000000-0x1257fffff") << "in the next piece";
  EXPECT_FALSE(by("600M@0x140000000#BU").range) << "never below the offset";
  EXPECT_EQ(by("64M@0x10100000").for_this_kernel, "");
  EXPECT_THAT(by("64M@0x10100000").untranslatable, HasSubstr("0x1000000"));
  EXPECT_EQ(by("64M@0x10100000", kOlder).for_this_kernel, "crashkernel=64M@0x10100000");
  memory.ram[0] = {0, kGiB};
  EXPECT_EQ(by("64M@0").range->start, 0U) << "literally at 0";
  EXPECT_THAT(by("64M@0").untranslatable, HasSubstr("@0"));
  EXPECT_THAT(by("0@0x10000000#BU").failure, HasSubstr("size is 0"));
}

// Machines with RAM in random pieces, a region, things taken; options of every form.
class RandomMachine {
 public:
  explicit RandomMachine(std::uint64_t seed) : random_(seed) {
    PhysicalAddress at = 0x1000;
    for (unsigned i = 0; i < 1 + number(5); ++i) {
      const ByteCount size = (1 + number(700)) * kMiB + number(4) * 4096;
      memory_.ram.push_back({at, size});
      at += size + 4096 + number(3) * 256 * kMiB;
      if (number(3) == 0) at = std::max<PhysicalAddress>(at, 4 * kGiB);
    }
    for (unsigned i = 0; i < number(6); ++i) {
      const AddressRange& inside = memory_.ram[number(memory_.ram.size())];
      const ByteCount offset = number(inside.size / 4096) * 4096;
      memory_.taken.push_back(
          {{inside.start + offset, std::min(inside.size - offset, number(64) * kMiB + 4096)}, "x"});
    }
    const AddressRange& cut = memory_.ram[number(memory_.ram.size())];
    const AddressRange region{cut.start + cut.size / 2, cut.size / 4};
    memory_.regions = {region};
    memory_.ram = without(memory_.ram, {region});
  }

  const BootMemory& memory() const { return memory_; }

  std::string command_line() {
    std::string line;
    for (unsigned i = 0; i < 1 + number(3); ++i) {
      CrashkernelOption option;
      option.size = (1 + number(40)) * 16 * kMiB;
      const auto form = number(6);
      if (form == 1) option.offset = number(400) * 16 * kMiB;
      if (form >= 2 && form <= 4) option.suffix = static_cast<CrashkernelSuffix>(form - 1);
      if (form == 5) {
        option.ranges = {{0, kGiB, option.size}, {kGiB, std::nullopt, 2 * option.size}};
        option.size = 0;
      }
      line += (line.empty() ? "crashkernel=" : " crashkernel=") + crashkernel_option_text(option);
    }
    return line;
  }

 private:
  std::uint64_t number(std::uint64_t below) { return random_() % std::max<std::uint64_t>(below, 1); }

  std::mt19937_64 random_;
  BootMemory memory_;
};

// From the definition: RAM from end to end, in one piece, and nothing taken there.
bool is_free(const AddressRange& range, const BootMemory& memory) {
  bool ram = false;
  for (const AddressRange& piece : memory.ram) {
    ram = ram || (piece.start <= range.start && range.start - piece.start + range.size <= piece.size);
  }
  if (!ram) return false;
  for (const TakenMemory& taken : memory.taken) {
    if (taken.range.start < range.end() && range.start < taken.range.end()) return false;
  }
  return true;
}

TEST(CrashkernelPlacement, never_outside_ram_or_over_anything_and_nothing_higher_was_free) {
  unsigned placed = 0;
  for (std::uint64_t seed = 0; seed < 3000; ++seed) {
    RandomMachine machine(seed);
    const std::string command_line = machine.command_line();
    const BootMemory& memory = machine.memory();
    const CrashkernelRules& rules = seed % 2 == 0 ? kOlder : kNewest;
    const auto reading = read_crashkernel_as_kernel(command_line, memory.ram_size(), rules);
    const auto result = place_crashkernel(reading, memory, rules);
    SCOPED_TRACE(command_line + " on machine " + std::to_string(seed));
    ASSERT_EQ(result.range.has_value(), result.failure.empty());
    if (!result.range) continue;
    ++placed;
    ASSERT_EQ(result.range->size, reading.size);
    ASSERT_EQ(result.range->start % (result.fixed ? rules.fixed_alignment : rules.alignment), 0U);
    ASSERT_TRUE(is_free(*result.range, memory)) << address_range_text(*result.range);
    ASSERT_FALSE(result.range->overlaps(memory.regions[0]));
    if (result.low) {
      ASSERT_TRUE(is_free(*result.low, memory));
      ASSERT_LE(result.low->end(), 4 * kGiB);
      ASSERT_FALSE(result.low->overlaps(*result.range));
    }
    if (result.fixed) {
      ASSERT_EQ(result.range->start, reading.offset);
      continue;
    }
    const bool is_low = result.range->end() <= 4 * kGiB;
    const PhysicalAddress end = is_low ? 4 * kGiB : memory.ram.back().end();
    for (AddressRange higher = *result.range; higher.end() + 16 * kMiB <= end;) {
      higher.start += 16 * kMiB;
      ASSERT_FALSE(is_free(higher, memory)) << address_range_text(higher) << " was free too";
    }
  }
  EXPECT_GT(placed, 500U);
}

}  // namespace
}  // namespace warmdump
