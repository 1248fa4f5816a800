#include "arm/status/boot_entries.h"

#include <gmock/gmock.h>

namespace warmdump {
namespace {

constexpr AddressRange kRegion{0x10fe00000, 514 * kMiB};

struct Case {
  const char* text;
  unsigned count;
  std::vector<unsigned> lines_without;
};

TEST(BootEntries, lines_that_start_linux_are_judged) {
  const Case cases[] = {
      {"", 0, {}},
      {"linux /vmlinuz root=/dev/sda1 memmap=514M!0x10fe00000\n", 1, {}},
      {"  linux /vmlinuz root=/dev/sda1 'memmap=514M!0x10fe00000'\n", 1, {}},
      {"\tlinux /vmlinuz root=/dev/sda1 memmap=514M\\!0x10fe00000\n", 1, {}},
      {"\tlinuxefi /vmlinuz memmap=526336K!4561305600 quiet\n", 1, {}},
      {"set x\nlinux16 /vmlinuz root=/dev/sda1 single\n", 1, {2}},
      {"linux /vmlinuz memmap=512M!0x10fe00000\n", 1, {1}},
      {"linux /vmlinuz root=/dev/sda1\nlinux /vmlinuz memmap=514M!0x10fe00000\n", 2, {1}},
      {"title Debian\nlinux /vmlinuz\noptions root=UUID=1 memmap=514M!0x10fe00000\n", 1, {}},
      {"title Debian\nlinux /vmlinuz\noptions root=UUID=1 ro\n", 1, {3}},
      {"linux /vmlinuz root=/dev/sda1 $kernelopts\n", 0, {}},
      {"# linux /vmlinuz root=/dev/sda1\nchainloader +1\nlinuxx a=b\n", 0, {}},
  };
  for (const Case& test : cases) {
    const BootEntries entries = boot_entries_in(test.text, "grub.cfg", kRegion);
    EXPECT_EQ(entries.count, test.count) << test.text;
    std::vector<unsigned> lines;
    for (const EntryWithoutRegion& entry : entries.without_region) lines.push_back(entry.line);
    EXPECT_EQ(lines, test.lines_without) << test.text;
  }
}

}  // namespace
}  // namespace warmdump
