#include "arm/crashkernel/crashkernel_evaluation.h"

#include <gmock/gmock.h>

#include <fstream>

#include "arm/crashkernel/crash_kernel_lines.h"
#include "arm/crashkernel/crashkernel_advice.h"
#include "tests/arm/machines.h"
#include "tests/support/temporary_directory.h"

namespace warmdump {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const CrashkernelRules kOlder = older_x86_64_rules();
const CrashkernelRules kNewest = common_x86_64_rules(true);

Machine machine_of(const char* iomem) {
  Machine machine;
  machine.map = *parse_memory_map(iomem);
  return machine;
}

BootMemory memory_of(const char* iomem, const std::vector<AddressRange>& planned = {}) {
  return boot_memory_of(machine_of(iomem), planned);
}

CrashkernelEvaluation evaluate(std::string_view text, const CrashkernelRules& rules = kNewest) {
  return evaluate_crashkernel(text, memory_of(machines::kVirtual4Gib), rules);
}

TEST(BootMemory, is_the_map_without_regions_and_reservations) {
  const BootMemory memory = memory_of(machines::kVirtual4Gib, {{0x10fe00000, 514 * kMiB}});
  ASSERT_EQ(memory.ram.size(), 4U);
  EXPECT_EQ(memory.ram[2], (AddressRange{0x100000000, 0xfe00000}));
  EXPECT_EQ(memory.ram[3], (AddressRange{0x130000000, 0x10000000}));
  for (const TakenMemory& taken : memory.taken)
    EXPECT_NE(taken.name, "Crash kernel") << "made anew at every boot";
  EXPECT_EQ(memory.taken.back().name, "early boot");
  EXPECT_EQ(memory.taken.back().range, (AddressRange{0x13ff00000, kMiB}));
  const BootMemory armed = memory_of(machines::kVirtual4GibArmed);
  EXPECT_EQ(armed.ram, memory.ram) << "the region is no RAM at boot, whatever it was made later";
}

TEST(BootMemory, the_boot_loader_tells_the_initrd_and_what_was_plugged_in_later) {
  Machine machine = machine_of(machines::kVirtual4Gib);
  machine.boot.emplace();
  machine.boot->initrd = AddressRange{0xbe000000, 30 * kMiB};
  EXPECT_EQ(
      evaluate_crashkernel("crashkernel=96M", boot_memory_of(machine, {}), kNewest).placement.range->start,
      0xb8000000U);
  machine.boot->ram = {
      {0x1000, 0x9f000}, {kMiB, 0xbfee0000}, {0x100000000, 0x20000000}, {0x120000000, 0x8000000}};
  machine.boot->ram_complete = true;
  const BootMemory memory = boot_memory_of(machine, {});
  EXPECT_EQ(memory.ram.back(), (AddressRange{0x100000000, 0x28000000}))
      << "pieces are joined, the rest came later";
  EXPECT_EQ(memory.ram_size(), memory_of(machines::kVirtual4Gib).ram_size() - 0x18000000);
}

TEST(BootMemory, no_reservation_lies_across_two_nodes) {
  Machine machine = machine_of("00100000-3fffffff : System RAM\n");
  machine.affinity = {
      {{0, 512 * kMiB}, 0, false}, {{512 * kMiB, 256 * kMiB}, 1, false}, {{768 * kMiB, 256 * kMiB}, 1, true}};
  const BootMemory memory = boot_memory_of(machine, {});
  EXPECT_THAT(memory.node_borders, ElementsAre(512 * kMiB));
  EXPECT_THAT(memory.hotpluggable, ElementsAre(AddressRange{768 * kMiB, 256 * kMiB}));
  EXPECT_EQ(evaluate_crashkernel("crashkernel=496M", memory, kNewest).placement.range->start, 0x20000000U);
  EXPECT_FALSE(evaluate_crashkernel("crashkernel=512M", memory, kNewest).placement.range)
      << "512M at 0x1e000000 are free";
}

TEST(BootMemory, regions_of_the_command_line_are_out) {
  Machine machine = machine_of(machines::kVirtual4Gib);
  machine.command_line = "quiet memmap=130M!0x107e00000";
  EXPECT_THAT(boot_memory_of(machine, {}).regions, ElementsAre(AddressRange{0x107e00000, 130 * kMiB}));
  EXPECT_THAT(evaluate_crashkernel("crashkernel=96M@0x108000000", boot_memory_of(machine, {}), kNewest)
                  .placement.failure,
              HasSubstr("the region 0x107e00000"));
}

TEST(CrashKernelLines, all_are_read_and_the_highest_loads) {
  const auto map = parse_memory_map(machines::kServer128Gib);
  const CrashKernelMemory memory = crash_kernel_memory(*map);
  EXPECT_THAT(memory.ranges,
              ElementsAre(AddressRange{0x2b000000, 128 * kMiB}, AddressRange{0x2074000000, 128 * kMiB}));
  EXPECT_EQ(memory.loaded(), (AddressRange{0x2074000000, 128 * kMiB}));
  EXPECT_EQ(memory.low_size(), 128 * kMiB);
  const auto arm64 = parse_memory_map(
      "40000000-bfffffff : System RAM\n  a0000000-a7ffffff : Crash kernel (low)\n  b0000000-b00fffff : Crash "
      "kernels\n"
      "100000000-17fffffff : System RAM\n  170000000-177ffffff : Crash kernel\n");
  EXPECT_EQ(crash_kernel_memory(*arm64).ranges.size(), 2U);
  EXPECT_EQ(crash_kernel_memory(*arm64).loaded()->start, 0x170000000U);
  EXPECT_FALSE(crash_kernel_memory(MemoryMap{}).loaded());
}

TEST(CrashkernelRules, are_told_by_the_kernels_functions) {
  const test::TemporaryDirectory root;
  std::filesystem::create_directories(root.path() / "proc");
  const MachineFiles files(root.path());
  EXPECT_TRUE(crashkernel_rules_of(Machine{}, files).knows_cma) << "nothing to tell by: the newest";
  const auto rules_with = [&](std::string_view functions) {
    std::ofstream(root.path() / "proc/kallsyms") << functions;
    return crashkernel_rules_of(Machine{}, files);
  };
  const CrashkernelRules older =
      rules_with("ffffffff82000000 T parse_crashkernel\nffffffff82000010 T parse_crashkernel_high\n");
  EXPECT_FALSE(older.common_code);
  EXPECT_EQ(older.fixed_alignment, kMiB);
  const CrashkernelRules common =
      rules_with("ffffffff82000000 T parse_crashkernel\n0 t parse_crashkernel_highest\n");
  EXPECT_TRUE(common.common_code);
  EXPECT_FALSE(common.knows_cma);
  EXPECT_TRUE(rules_with("0 T parse_crashkernel\n0 T reserve_crashkernel_cma\n").knows_cma);
}

TEST(CrashkernelRules, low_default_follows_swiotlb) {
  EXPECT_EQ(x86_64_default_low_size("quiet"), 256 * kMiB);
  EXPECT_EQ(x86_64_default_low_size("swiotlb=65536"), 256 * kMiB) << "128 MiB and 8 are less";
  EXPECT_EQ(x86_64_default_low_size("swiotlb=262144,force"), 520 * kMiB);
  EXPECT_EQ(x86_64_default_low_size("swiotlb=force"), 256 * kMiB);
}

TEST(CrashkernelEvaluation, warns_where_there_is_something_to_know) {
  EXPECT_THAT(evaluate("crashkernel=96M").warnings, IsEmpty());
  EXPECT_THAT(evaluate("crashkernel=80M").warnings, ElementsAre(HasSubstr("too small")));
  EXPECT_THAT(evaluate("crashkernel=1G,high crashkernel=96M").warnings, ElementsAre(HasSubstr("ignores")));
  EXPECT_THAT(evaluate("crashkernel=96M,high").warnings, IsEmpty());
  EXPECT_THAT(evaluate("crashkernel=96M,high crashkernel=0,low").warnings, ElementsAre(HasSubstr("swiotlb")));
  EXPECT_THAT(evaluate("crashkernel=96M crashkernel=1G,cma").warnings, ElementsAre(HasSubstr("10 s")));
  EXPECT_THAT(evaluate("crashkernel=1G,cma crashkernel=96M", kOlder).warnings,
              Contains(HasSubstr("does not know ,cma")));
  EXPECT_THAT(evaluate("crashkernel=96M@0x20000000#BU").warnings,
              ElementsAre(HasSubstr("no kernel of today")));
  EXPECT_THAT(evaluate("crashkernel=96M@0x110000000", kOlder).warnings,
              ElementsAre(HasSubstr("crashkernel=0,low")));
}

TEST(CrashkernelEvaluation, warns_at_the_border_of_ranges_where_kernels_differ) {
  constexpr const char* kText = "crashkernel=1G-4G:96M,4G-:128M";  // the machine has a little less than 4 GiB
  EXPECT_THAT(evaluate(kText, common_x86_64_rules(false)).warnings,
              ElementsAre(HasSubstr("96 MiB instead of 128")));
  EXPECT_THAT(evaluate(kText, kOlder).warnings, ElementsAre(HasSubstr("Move the border")));
  EXPECT_THAT(evaluate(kText, kNewest).warnings, IsEmpty());
  EXPECT_THAT(evaluate("crashkernel=1G-3G:96M,3G-:128M", kOlder).warnings, IsEmpty());
}

TEST(CrashkernelEvaluation, tells_mistakes_beside_what_the_kernel_does) {
  const auto evaluation = evaluate("crashkernel=0-8G:96M,rubbish");
  EXPECT_THAT(evaluation.mistakes, ElementsAre(HasSubstr("character")));
  EXPECT_EQ(evaluation.reserved_size(), 96 * kMiB) << "it does not look behind the range that matches";
}

TEST(CrashkernelAdvice, keeps_what_is_enough) {
  const BootMemory memory = memory_of(machines::kVirtual4Gib);
  for (const char* text :
       {"crashkernel=96M", "crashkernel=512M,high crashkernel=72M,low", "crashkernel=0-:192M"}) {
    const auto advice = advise_crashkernel(std::string("quiet ") + text + " splash", memory, kNewest);
    EXPECT_TRUE(advice.kept);
    EXPECT_EQ(advice.options, text);
  }
}

TEST(CrashkernelAdvice, replaces_what_is_not) {
  const BootMemory memory = memory_of(machines::kVirtual4Gib);
  for (const char* text : {"", "crashkernel=95M", "crashkernel=8G-:512M", "crashkernel=64M@0x11b200000",
                           "crashkernel=x", "crashkernel=256M crashkernel=0"}) {
    const auto advice = advise_crashkernel(text, memory, kNewest);
    EXPECT_FALSE(advice.kept) << text;
    EXPECT_EQ(advice.options, "crashkernel=96M") << text;
    EXPECT_NE(advice.reason, "");
    EXPECT_TRUE(advice.evaluation.placement.range);
  }
}

TEST(CrashkernelAdvice, goes_above_with_little_low_memory_where_the_default_has_no_place) {
  const auto little_low = memory_of(
      "00100000-08ffffff : System RAM\n  01000000-05ffffff : Kernel code\n"
      "100000000-13fffffff : System RAM\n");
  const auto advice = advise_crashkernel("", little_low, kNewest);
  EXPECT_EQ(advice.options, "crashkernel=96M,high crashkernel=0,low");
  const auto more_low = memory_of(
      "00100000-0bffffff : System RAM\n  01000000-05ffffff : Kernel code\n"
      "100000000-13fffffff : System RAM\n");
  EXPECT_EQ(advise_crashkernel("", more_low, kNewest).options, "crashkernel=96M") << "it fits below";
  const auto broken_low = memory_of(
      "00100000-0bffffff : System RAM\n  01000000-07000000 : Kernel code\n"
      "100000000-13fffffff : System RAM\n");
  EXPECT_EQ(advise_crashkernel("", broken_low, kNewest).options, "crashkernel=96M,high crashkernel=0,low");
}

TEST(CrashkernelAdvice, tells_when_nothing_helps) {
  const auto advice = advise_crashkernel("", memory_of("00100000-05ffffff : System RAM\n"), kNewest);
  EXPECT_FALSE(advice.evaluation.placement.range);
  EXPECT_NE(advice.evaluation.placement.failure, "");
}

}  // namespace
}  // namespace warmdump
