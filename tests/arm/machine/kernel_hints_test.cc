#include "arm/machine/kernel_hints.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "capture/crashed_machine/kernel_hints.h"
#include "tests/support/temporary_directory.h"

namespace warmdump {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

// Lines of a Debian 6.1 kernel.
constexpr const char* kKallsyms =
    "0000000000000000 A fixed_percpu_data\n"
    "0000000000000000 A __per_cpu_start\n"
    "000000000001fb80 A current_task\n"
    "0000000000035000 A __per_cpu_end\n"
    "ffffffffac400000 T _stext\n"
    "ffffffffad81cb60 R __per_cpu_offset\n"
    "ffffffffaf3d6970 B crash_notes\n"
    "ffffffffc0100000 t __per_cpu_offset\t[some_module]\n";

TEST(KernelHints, are_read_from_kallsyms) {
  EXPECT_THAT(hints_in_kallsyms(kKallsyms),
              ElementsAre(Pair("crash_notes", 0xffffffffaf3d6970), Pair("current_task", 0x1fb80),
                          Pair("per_cpu_end", 0x35000), Pair("per_cpu_offset", 0xffffffffad81cb60),
                          Pair("per_cpu_start", 0)));
  EXPECT_THAT(hints_in_kallsyms("000000000001fb80 A pcpu_hot\nffffffffac400000 T _stext"),
              ElementsAre(Pair("current_task", 0x1fb80)));
}

TEST(KernelHints, hidden_addresses_are_no_hints) {
  EXPECT_THAT(hints_in_kallsyms("0000000000000000 A __per_cpu_start\n0000000000000000 R __per_cpu_offset\n"),
              IsEmpty());
  EXPECT_THAT(hints_in_kallsyms("\n \nffffffffac400000\nxyz T __per_cpu_offset\n"), IsEmpty());
}

TEST(KernelHints, the_capture_knows_all_of_them) {
  const test::TemporaryDirectory directory;
  std::filesystem::create_directories(directory.file("proc"));
  std::filesystem::create_directories(directory.file("sys/devices/system/cpu"));
  ASSERT_TRUE(write_whole_file(directory.file("proc/kallsyms"), kKallsyms).has_value());
  ASSERT_TRUE(write_whole_file(directory.file("sys/devices/system/cpu/possible"), "0-3,8-11\n").has_value());
  const auto hints = gather_kernel_hints(MachineFiles(directory.path()));
  EXPECT_EQ(hints.size(), 6U);
  KernelHints taken;
  for (const auto& [name, value] : hints) EXPECT_TRUE(set_hint(taken, name, value)) << name;
  EXPECT_EQ(taken.cpu_count, 12U);
  EXPECT_EQ(taken.per_cpu_offset, 0xffffffffad81cb60);
  EXPECT_FALSE(set_hint(taken, "no_such_hint", 1));
}

TEST(KernelHints, a_machine_without_kallsyms_has_none) {
  const test::TemporaryDirectory directory;
  EXPECT_THAT(gather_kernel_hints(MachineFiles(directory.path())), IsEmpty());
}

}  // namespace
}  // namespace warmdump
