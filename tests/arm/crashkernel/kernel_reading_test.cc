#include "arm/crashkernel/kernel_reading.h"

#include <gmock/gmock.h>

namespace warmdump {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

const CrashkernelRules kOlder = older_x86_64_rules();
const CrashkernelRules kWithoutRounding = [] {
  CrashkernelRules rules = older_x86_64_rules();
  rules.rounds_ram_up = false;
  return rules;
}();
const CrashkernelRules kCommon = common_x86_64_rules(false);
const CrashkernelRules kNewest = common_x86_64_rules(true);

KernelReading read(std::string_view command_line, const CrashkernelRules& rules = kNewest,
                   ByteCount ram_size = 4 * kGiB) {
  return read_crashkernel_as_kernel(command_line, ram_size, rules);
}

TEST(KernelReading, the_last_of_a_kind_wins) {
  EXPECT_EQ(read("crashkernel=64M quiet crashkernel=96M").size, 96 * kMiB);
  EXPECT_EQ(read("crashkernel=1G,high crashkernel=512M,high").size, 512 * kMiB);
  EXPECT_EQ(read("crashkernel=1G,high crashkernel=16M,low crashkernel=32M,low").low_size, 32 * kMiB);
  EXPECT_THAT(read("crashkernel=64M crashkernel=96M").ignored,
              Contains(HasSubstr("crashkernel=64M: a later one")));
}

TEST(KernelReading, without_suffix_goes_before_high_in_any_order) {
  for (const char* text : {"crashkernel=1G,high crashkernel=96M", "crashkernel=96M crashkernel=1G,high"}) {
    for (const CrashkernelRules& rules : {kOlder, kCommon, kNewest}) {
      const KernelReading reading = read(text, rules);
      EXPECT_EQ(reading.size, 96 * kMiB);
      EXPECT_FALSE(reading.high);
      EXPECT_THAT(reading.ignored, Contains(HasSubstr("crashkernel=1G,high: an option without suffix")));
    }
  }
}

TEST(KernelReading, low_alone_reserves_nothing) {
  const KernelReading reading = read("crashkernel=64M,low");
  EXPECT_EQ(reading.size, 0U);
  EXPECT_THAT(reading.refusal, HasSubstr("additional part"));
  EXPECT_THAT(read("crashkernel=96M crashkernel=64M,low").ignored, Contains(HasSubstr("no effect")));
  EXPECT_THAT(read("crashkernel=96M,high crashkernel=64M,low").ignored, IsEmpty());
}

TEST(KernelReading, low_size_is_the_default_or_given_or_none) {
  EXPECT_EQ(read("crashkernel=1G,high").low_size, 256 * kMiB);
  EXPECT_EQ(read("crashkernel=1G,high crashkernel=0,low").low_size, 0U);
  EXPECT_EQ(read("crashkernel=1G,high crashkernel=72M,low").low_size, 72 * kMiB);
  // What was meant for memory below the limit: the common code takes the default when it must go above.
  EXPECT_EQ(read("crashkernel=96M crashkernel=0,low").low_size, 256 * kMiB);
  EXPECT_EQ(read("crashkernel=96M crashkernel=0,low", kOlder).low_size, 0U);
  EXPECT_EQ(read("crashkernel=96M@0x200000000").low_size, 0U);
  EXPECT_EQ(read("crashkernel=96M@0x200000000", kOlder).low_size, 256 * kMiB);
}

TEST(KernelReading, a_wrong_low_part_spoils_the_common_code_only) {
  constexpr const char* kText = "crashkernel=1G,high crashkernel=x,low";
  EXPECT_EQ(read(kText).size, 0U);
  EXPECT_THAT(read(kText).refusal, HasSubstr("crashkernel=x,low"));
  EXPECT_EQ(read(kText, kOlder).size, kGiB);
  EXPECT_EQ(read(kText, kOlder).low_size, 256 * kMiB);
}

TEST(KernelReading, a_wrong_plain_option_falls_back_to_high_in_older_code_only) {
  for (const char* text : {"crashkernel=junk crashkernel=1G,high", "crashkernel=0 crashkernel=1G,high"}) {
    EXPECT_EQ(read(text).size, 0U) << text;
    EXPECT_EQ(read(text, kCommon).size, 0U) << text;
    EXPECT_EQ(read(text, kOlder).size, kGiB) << text;
    EXPECT_TRUE(read(text, kOlder).high) << text;
  }
}

TEST(KernelReading, cma_is_a_suffix_or_poison) {
  const KernelReading newest = read("crashkernel=96M crashkernel=512M,cma");
  EXPECT_EQ(newest.size, 96 * kMiB);
  EXPECT_EQ(newest.cma_size, 512 * kMiB);
  for (const CrashkernelRules& rules : {kOlder, kCommon}) {
    EXPECT_EQ(read("crashkernel=96M crashkernel=512M,cma", rules).size, 0U);
    EXPECT_THAT(read("crashkernel=96M crashkernel=512M,cma", rules).refusal, HasSubstr("does not know ,cma"));
    EXPECT_EQ(read("crashkernel=512M,cma crashkernel=96M", rules).size, 96 * kMiB)
        << "it is the last that counts";
  }
  EXPECT_EQ(read("crashkernel=512M,cma").size, 0U) << "it needs another one";
  EXPECT_EQ(read("crashkernel=512M,cma").cma_size, 0U);
  EXPECT_EQ(read("crashkernel=96M crashkernel=512Mx,cma").cma_size, 512 * kMiB);
}

TEST(KernelReading, ranges_hold_their_start_and_not_their_end) {
  constexpr const char* kText = "crashkernel=1G-4G:64M,4G-8G:128M";
  EXPECT_EQ(read(kText, kWithoutRounding, 4 * kGiB).size, 128 * kMiB);
  EXPECT_EQ(read(kText, kWithoutRounding, 4 * kGiB - 1).size, 64 * kMiB);
  EXPECT_EQ(read(kText, kWithoutRounding, kGiB).size, 64 * kMiB);
  EXPECT_EQ(read(kText, kWithoutRounding, kGiB - 1).size, 0U);
  EXPECT_EQ(read(kText, kWithoutRounding, 8 * kGiB - 1).size, 128 * kMiB);
  EXPECT_EQ(read(kText, kWithoutRounding, 8 * kGiB).size, 0U);
  EXPECT_THAT(read(kText, kWithoutRounding, 8 * kGiB).refusal,
              HasSubstr("no memory to a machine with 8 GiB"));
}

TEST(KernelReading, ram_is_rounded_up_to_128_mib_where_the_kernel_does) {
  constexpr const char* kText = "crashkernel=1G-4G:64M,4G-8G:128M";
  const ByteCount just_below = 4 * kGiB - kMiB;
  EXPECT_EQ(read(kText, kNewest, just_below).size, 128 * kMiB);
  EXPECT_EQ(read(kText, kWithoutRounding, just_below).size, 64 * kMiB);
  EXPECT_EQ(read(kText, kNewest, 4 * kGiB - 128 * kMiB).size, 64 * kMiB) << "a multiple stays what it is";
  EXPECT_EQ(read(kText, kNewest, 4 * kGiB - 128 * kMiB + 1).size, 128 * kMiB);
}

TEST(KernelReading, an_earlier_range_with_an_impossible_size_spoils_all) {
  EXPECT_EQ(read("crashkernel=8G-:16G,0-8G:96M").size, 0U) << "16G is not less than RAM";
  EXPECT_EQ(read("crashkernel=0-8G:96M,8G-:16G").size, 96 * kMiB)
      << "not looked at behind the one that matches";
  EXPECT_EQ(read("crashkernel=0-8G:96M,rubbish").size, 96 * kMiB);
  EXPECT_EQ(read("crashkernel=8G-:96M,rubbish").size, 0U);
}

TEST(KernelReading, offsets) {
  EXPECT_EQ(read("crashkernel=96M@512M").offset, 512 * kMiB);
  EXPECT_EQ(read("crashkernel=96M@0").offset, 0U);
  EXPECT_EQ(read("crashkernel=96M@rubbish").size, 96 * kMiB);
  EXPECT_EQ(read("crashkernel=96M@rubbish").offset, 0U) << "as if there were none";
  EXPECT_EQ(read("crashkernel=96M@512M#BU").offset, 512 * kMiB) << "what follows is not looked at";
  EXPECT_EQ(read("crashkernel=0-:96M@rubbish").size, 0U) << "behind ranges it is";
  EXPECT_EQ(read("crashkernel=0-:96M,8G-:1G@512M").offset, 512 * kMiB) << "of the whole list";
}

TEST(KernelReading, rubbish_reserves_nothing) {
  for (const char* text :
       {"crashkernel=", "crashkernel=x", "crashkernel=96MB", "crashkernel=96M,64M", "crashkernel=0",
        "crashkernel=96M,highest", "crashkernel=96M#BU", "crashkernel=1G-2G", "crashkernel=1G:96M",
        "crashkernel=2G-1G:96M", "crashkernel=1G-1G:96M", "crashkernel=-:96M", "crashkernel=0-:M",
        "crashkernel=96Mx,high", "crashkernel=4G", "crashkernel=5G", "crashkernel", "", "quiet"}) {
    const KernelReading reading = read(text);
    EXPECT_EQ(reading.size, 0U) << text;
    EXPECT_NE(reading.refusal, "") << text;
  }
  EXPECT_EQ(read("crashkernel=4G", kNewest, 4 * kGiB + 1).size, 4 * kGiB) << "less than RAM, if only just";
}

TEST(KernelReading, options_are_found_by_their_letters) {
  EXPECT_EQ(read("mycrashkernel=96M").size, 96 * kMiB);
  EXPECT_EQ(read("dyndbg=\"x crashkernel=64M\"").size, 0U) << "the quote becomes part of it";
  EXPECT_EQ(read("crashkernel=96M\tquiet").size, 0U) << "only a space ends it";
  EXPECT_EQ(read("quiet -- crashkernel=96M").size, 96 * kMiB);
  EXPECT_EQ(read("crashkernel=0x6000000").size, 96 * kMiB);
  EXPECT_EQ(read("crashkernel=010000000").size, 2 * kMiB) << "octal";
}

}  // namespace
}  // namespace warmdump
