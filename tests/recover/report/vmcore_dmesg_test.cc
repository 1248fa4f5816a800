// format_printk_log against vmcore-dmesg(8) of kexec-tools, byte for byte, on ELF cores made of a log alone.

#include <gmock/gmock.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <random>

#include "recover/report/printk_log.h"
#include "tests/support/printk_core.h"
#include "tests/support/printk_ring_builder.h"
#include "tests/support/temporary_directory.h"

namespace warmdump {
namespace {

using test::PrintkRingBuilder;

constexpr const char* kProgram = "/usr/sbin/vmcore-dmesg";

class VmcoreDmesg : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(kProgram)) GTEST_SKIP() << "no vmcore-dmesg (Debian: kexec-tools)";
  }

  std::string theirs(PrintkRingBuilder& ring) {
    test::write_printk_core(ring, directory_ / "core");
    const std::string command = std::string(kProgram) + " " + directory_.file("core");
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> output(::popen(command.c_str(), "r"), ::pclose);
    std::string text;
    char buffer[4096];
    while (const std::size_t size = std::fread(buffer, 1, sizeof(buffer), output.get()))
      text.append(buffer, size);
    return text;
  }

  static std::string ours(PrintkRingBuilder& ring) {
    const auto log = decode_printk_log(ring.memory(), Vmcoreinfo(PrintkRingBuilder::vmcoreinfo()));
    EXPECT_TRUE(log) << log.error().message;
    return log ? format_printk_log(*log) : "";
  }

  test::TemporaryDirectory directory_{test::TemporaryDirectory::Place::memory};
};

TEST_F(VmcoreDmesg, prints_the_same_of_every_kind_of_record) {
  PrintkRingBuilder ring(5, 13);
  ring.add("Linux version 6.1.0", 0);
  ring.add("several\nlines\n\nin one", 1'234'567'890, 0x80000003);
  ring.add("tab\t feed\f return\r escape\x1b[1m nul" + std::string(1, '\0') + " high\xc3\xa9 del\x7f",
           99'999'999'999'999);
  ring.add_failed();
  ring.add_empty(2'000'000'999);
  ring.add_reserved("never finished");
  ring.add_committed("may go on", 3'000'000'000);
  ring.add_reusable("given up");
  ring.add("trailing newline\n", 4'000'000'000, 77);
  ring.add(std::string(1000, 'x'), 123'456'789'012'345'678);
  EXPECT_EQ(ours(ring), theirs(ring));
  EXPECT_THAT(ours(ring), testing::HasSubstr("[    1.234567] several\nlines\n\nin one\n"));
}

// Rings of every fill, position and wrap that a kernel makes. A block that ends exactly with the ring is left
// to the next test.
TEST_F(VmcoreDmesg, agrees_on_random_rings) {
  std::mt19937_64 random(20260101);
  for (int round = 0; round < 300; ++round) {
    const std::uint64_t first_id = round % 3 == 0 ? (std::uint64_t{1} << 62) - 20 : random() % 100000;
    PrintkRingBuilder ring(5, 13, first_id);
    ring.set_position(random() % (1 << 20) * 8);
    const std::uint64_t records = random() % 120 + 1;
    std::uint64_t time_ns = random() % 1'000'000'000'000;
    for (std::uint64_t record = 0; record < records; ++record) {
      std::string text(random() % 190 + 1, ' ');
      for (char& character : text)
        character = static_cast<char>(random() % 8 == 0 ? random() : 'a' + random() % 26);
      if ((ring.position() + (8 + text.size() + 7) / 8 * 8) % 8192 == 0) text += "12345678";
      time_ns += random() % 1'000'000'000;
      switch (random() % 12) {
        case 0:
          ring.add_reserved(text);
          break;
        case 1:
          ring.add_reusable(text);
          break;
        case 2:
          ring.add_failed();
          break;
        case 3:
          ring.add_empty(time_ns);
          break;
        case 4:
          ring.add_committed(text, time_ns);
          break;
        default:
          ring.add(text, time_ns, static_cast<std::uint32_t>(random()));
      }
    }
    ASSERT_EQ(ours(ring), theirs(ring)) << "round " << round;
  }
}

// Newer kernels let a block end exactly with the ring. vmcore-dmesg takes its end, 0, for a wrap, and
// prints what stands at the start of the ring.
TEST_F(VmcoreDmesg, is_wrong_about_a_block_that_ends_with_the_ring) {
  PrintkRingBuilder ring(5, 8);
  ring.add("of another", 1'000'000'000);
  ring.set_position(256 - 16);
  ring.add("eight by", 2'000'000'000);
  ASSERT_EQ(ring.position(), 256);
  EXPECT_EQ(ours(ring), "[    1.000000] of another\n[    2.000000] eight by\n");
  EXPECT_THAT(theirs(ring),
              testing::AnyOf(ours(ring), "[    1.000000] of another\n[    2.000000] of anoth\n"));
}

}  // namespace
}  // namespace warmdump
