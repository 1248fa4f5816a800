// Who is to blame, read from a root directory made for the test.

#include <gmock/gmock.h>

#include <cerrno>
#include <fstream>

#include "recover/region/memory_block_table.h"
#include "recover/region/online_agent.h"
#include "recover/region/region_holder.h"
#include "tests/support/temporary_directory.h"

namespace warmdump::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;

class RootTest : public testing::Test {
 protected:
  void put(const std::string& path, const std::string& text) {
    fs::create_directories((root_.path() / path).parent_path());
    std::ofstream(root_.path() / path) << text;
  }
  TemporaryDirectory root_;
};

using OnlineAgentTest = RootTest;
using HolderTest = RootTest;
using SysfsMemoryBlocksTest = RootTest;

TEST_F(OnlineAgentTest, nobody_is_blamed_without_a_trace) {
  put("sys/devices/system/memory/auto_online_blocks", "online_movable\n");
  EXPECT_THAT(likely_online_agent(root_.path()), HasSubstr("no rule or policy was found"));
}

TEST_F(OnlineAgentTest, policy_rules_and_daxctl_are_named) {
  put("sys/devices/system/memory/auto_online_blocks", "online_kernel\n");
  put("etc/udev/rules.d/40-mine.rules",
      "# SUBSYSTEM==\"memory\" online\nSUBSYSTEM==\"memory\", ACTION==\"add\", ATTR{state}=\"online\"\n");
  put("usr/lib/udev/rules.d/50-other.rules", "SUBSYSTEM==\"block\", RUN+=\"online\"\n");
  put("etc/daxctl.conf.d/dax.conf", "mode = system-ram\n");
  const std::string text = likely_online_agent(root_.path());
  EXPECT_THAT(text, HasSubstr("auto_online_blocks=online_kernel"));
  EXPECT_THAT(text, HasSubstr("udev rule /etc/udev/rules.d/40-mine.rules"));
  EXPECT_THAT(text, HasSubstr("daxctl by /etc/daxctl.conf.d/dax.conf"));
  EXPECT_THAT(text, testing::Not(HasSubstr("50-other")));
}

TEST_F(HolderTest, a_free_disk_has_none) {
  put("sys/class/block/pmem0/dev", "259:0\n");
  put("proc/self/mountinfo", "22 1 8:1 / / rw shared:1 - ext4 /dev/sda1 rw\n");
  EXPECT_THAT(holders_of("pmem0", root_.path()), IsEmpty());
}

TEST_F(HolderTest, mount_array_swap_and_process_are_named) {
  put("sys/class/block/pmem0/dev", "259:0\n");
  put("sys/class/block/pmem0/holders/md0", "");
  put("proc/self/mountinfo", "36 22 259:0 / /mnt/pmem rw - xfs /dev/pmem0 rw\n");
  put("proc/swaps", "Filename Type Size Used Priority\n/dev/pmem0 partition 1 0 -2\n");
  put("proc/99999999/comm", "dd\n");
  fs::create_directories(root_.path() / "proc/99999999/fd");
  fs::create_symlink("/dev/pmem0", root_.path() / "proc/99999999/fd/3");
  EXPECT_EQ(holders_of("pmem0", root_.path()),
            "mounted at /mnt/pmem, part of md0, swap space, open in dd (process 99999999)");
}

TEST_F(SysfsMemoryBlocksTest, whole_blocks_of_a_range_are_read) {
  put("block_size_bytes", "8000000\n");
  put("memory35/state", "online\n");
  put("memory36/state", "online\n");
  put("memory36/valid_zones", "Movable\n");
  put("memory37/state", "offline\n");
  put("memory37/valid_zones", "Normal Movable\n");
  put("memory38/state", "online\n");
  SysfsMemoryBlocks blocks(root_.path());
  EXPECT_EQ(blocks.block_size(), 128 * kMiB);
  const auto found = blocks.blocks(0x11fe00000 + 2 * kMiB, 256 * kMiB);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].name(), "memory36");
  EXPECT_TRUE(found[0].is_movable());
  EXPECT_FALSE(found[1].online);
  EXPECT_TRUE(found[1].zone.empty());
  EXPECT_EQ(blocks.set_state(37, kOnlineMovable, 100), 0);
  EXPECT_EQ(blocks.set_state(77, kOnlineMovable, 100), ENOENT);
}

TEST_F(SysfsMemoryBlocksTest, a_kernel_without_hot_plug_has_none) {
  SysfsMemoryBlocks blocks(root_.path());
  EXPECT_EQ(blocks.block_size(), 0U);
  EXPECT_TRUE(blocks.blocks(0, 4 * kGiB).empty());
}

}  // namespace
}  // namespace warmdump::test
