#include "arm/crashkernel/crashkernel_option.h"

#include <gmock/gmock.h>

#include <random>

#include "arm/crashkernel/memory_amount.h"

namespace warmdump {
namespace {

using testing::HasSubstr;

TEST(MemoryAmount, is_read_as_the_kernel_reads_it) {
  struct Case {
    const char* text;
    ByteCount value;
    std::size_t length;
  };
  const Case cases[] = {
      {"96M", 96 * kMiB, 3},
      {"96m,high", 96 * kMiB, 3},
      {"4096", 4096, 4},
      {"0x10", 16, 4},
      {"0X1fK@", 31 * kKiB, 5},
      {"0x10E", 0x10e, 5},  // hexadecimal swallows the unit E
      {"1E", ByteCount{1} << 60, 2},
      {"2P", ByteCount{2} << 50, 2},
      {"2T-", ByteCount{2} << 40, 2},
      {"010M", 8 * kMiB, 4},  // octal
      {"08M", 0, 1},          // octal ends before 8
      {"0xM", 0, 1},          // no hexadecimal digit: the number is 0, the x stays
      {"MM", 0, 1},           // a unit without a number is taken
      {"96MB", 96 * kMiB, 3},
      {"x", 0, 0},
      {"-1", 0, 0},
      {" 96M", 0, 0},
      {"", 0, 0},
      {"18446744073709551616", 0, 20},  // wraps
  };
  for (const Case& one : cases) {
    const MemoryAmount amount = read_memory_amount(one.text);
    EXPECT_EQ(amount.value, one.value) << one.text;
    EXPECT_EQ(amount.length, one.length) << one.text;
  }
  EXPECT_TRUE(read_memory_amount("010").octal);
  EXPECT_FALSE(read_memory_amount("0").octal);
  EXPECT_FALSE(read_memory_amount("0M").octal);
  EXPECT_TRUE(read_memory_amount("18446744073709551616").overflowed);
  EXPECT_FALSE(read_memory_amount("18446744073709551615").overflowed);
  EXPECT_TRUE(read_memory_amount("16E").overflowed);
  EXPECT_FALSE(read_memory_amount("15E").overflowed);
}

TEST(CrashkernelOption, every_form_is_read_and_printed) {
  struct Case {
    const char* text;
    const char* canonical;
  };
  const Case cases[] = {
      {"96M", "96M"},
      {"crashkernel=98304K", "96M"},
      {"64M@0x20000000", "64M@0x20000000"},
      {"64M@512M", "64M@0x20000000"},
      {"64M@0", "64M@0x0"},
      {"1G-4G:64M,4G-:128M", "1G-4G:64M,4G-:128M"},
      {"0-:96M@16m", "0-:96M@0x1000000"},
      {"512M,high", "512M,high"},
      {"0,low", "0,low"},
      {"1g,cma", "1G,cma"},
      {"64M@0x20000000#BU", "64M@0x20000000#BU"},
      {"64M@512M#BU,BU", "64M@0x20000000#BU,BU"},
      {"15E", "15728640T"},
  };
  for (const Case& one : cases) {
    const auto option = parse_crashkernel_option(one.text);
    ASSERT_TRUE(option.has_value()) << one.text << ": " << option.error().message;
    EXPECT_EQ(crashkernel_option_text(*option), one.canonical);
  }
}

TEST(CrashkernelOption, mistakes_are_told_with_their_place) {
  struct Case {
    const char* text;
    unsigned position;
    const char* wanted;
  };
  const Case cases[] = {
      {"", 1, "a size"},
      {"crashkernel=", 13, "a size"},
      {"M", 1, "a size"},
      {"96MB", 4, "the end"},
      {"96M,High", 4, ",high ,low or ,cma"},
      {"96M,64M", 4, ",high ,low or ,cma"},
      {"96M,high@16M", 9, "takes nothing more"},
      {"96M,highX", 9, "takes nothing more"},
      {"96M@", 5, "an address"},
      {"96M@x", 5, "an address"},
      {"96M#BU", 4, "'@' and an offset"},
      {"96M@16M#", 9, "a policy"},
      {"96M@16M#TD", 9, "a policy"},
      {"96M@16M#BU,", 12, "a policy"},
      {"96M@16M#BUX", 11, "the end"},
      {"1G-2G", 6, "':' and the size"},
      {"1G-:", 5, "the size for this range"},
      {"1G-1G:64M", 4, "ends above its start"},
      {"2G-1G:64M", 4, "ends above its start"},
      {"1G-2G:64M,", 11, "a further range"},
      {"1G-2G:64M,128M", 15, "'-'"},
      {"1G-2G:64M,high", 11, "a further range"},
      {"1G-2G:64M@16M#BU", 14, "the end"},
      {"010M", 1, "eights"},
      {"16E", 1, "fits 64 bits"},
      {"96M 5", 4, "the end"},
  };
  for (const Case& one : cases) {
    const auto option = parse_crashkernel_option(one.text);
    ASSERT_FALSE(option.has_value()) << one.text;
    EXPECT_EQ(option.error().code, ErrorCode::invalid);
    EXPECT_THAT(option.error().message, HasSubstr("character " + std::to_string(one.position) + ":"))
        << one.text;
    EXPECT_THAT(option.error().message, HasSubstr(one.wanted)) << one.text;
  }
}

CrashkernelOption random_option(std::mt19937_64& random) {
  const auto number = [&random] { return random() >> (random() % 64); };
  CrashkernelOption option;
  const unsigned form = static_cast<unsigned>(random() % 4);
  if (form == 0) {
    option.size = number();
    option.suffix = static_cast<CrashkernelSuffix>(1 + random() % 3);
    return option;
  }
  if (form == 1) {
    for (std::uint64_t i = 0; i <= random() % 4; ++i) {
      SizeForRam range{number() >> 1, std::nullopt, number()};
      if (random() % 3 != 0) range.ram_end = range.ram_min + 1 + (number() >> 2);
      option.ranges.push_back(range);
    }
  } else {
    option.size = number();
  }
  if (random() % 2 == 0) option.offset = number();
  if (form == 2 && option.offset) option.policies.assign(1 + random() % 3, PlacementPolicy::bottom_up);
  return option;
}

TEST(CrashkernelOption, what_is_printed_is_read_back) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 20000; ++i) {
    const CrashkernelOption option = random_option(random);
    const std::string text = crashkernel_option_text(option);
    const auto back = parse_crashkernel_option(text);
    ASSERT_TRUE(back.has_value()) << text << ": " << back.error().message;
    ASSERT_EQ(*back, option) << text;
    ASSERT_EQ(crashkernel_option_text(*back), text);
  }
}

TEST(CrashkernelOption, noise_never_breaks_the_parser) {
  std::mt19937_64 random(2);
  constexpr std::string_view kLetters = "0189xKMGE@,:-# highlowcmaBU=";
  unsigned accepted = 0;
  for (int i = 0; i < 50000; ++i) {
    std::string text = random() % 2 == 0 ? "crashkernel=" : "";
    for (std::uint64_t length = random() % 12; length > 0; --length)
      text += kLetters[random() % kLetters.size()];
    const auto option = parse_crashkernel_option(text);
    if (!option.has_value()) continue;
    ++accepted;
    const auto back = parse_crashkernel_option(crashkernel_option_text(*option));
    ASSERT_TRUE(back.has_value() && *back == *option) << text;
  }
  EXPECT_GT(accepted, 500U);
}

}  // namespace
}  // namespace warmdump
