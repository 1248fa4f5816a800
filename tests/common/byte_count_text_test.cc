#include "common/hosted/byte_count_text.h"

#include <gtest/gtest.h>

namespace warmdump {
namespace {

TEST(ByteCountText, reads_what_the_kernel_reads) {
  EXPECT_EQ(*parse_byte_count("4096"), 4096U);
  EXPECT_EQ(*parse_byte_count("514M"), 514 * kMiB);
  EXPECT_EQ(*parse_byte_count("2g"), 2 * kGiB);
  EXPECT_EQ(*parse_byte_count("1T"), kGiB * kKiB);
  EXPECT_EQ(*parse_byte_count("0x10fe00000"), 0x10fe00000U);
  EXPECT_EQ(*parse_byte_count("0X10k"), 16 * kKiB);
}

TEST(ByteCountText, refuses_the_rest) {
  for (const char* text : {"", "M", "0x", "-1", "+1", "1MM", "1.5G", " 1", "1 ", "1B", "18446744073709551616",
                           "17179869184G", "0xg"}) {
    EXPECT_FALSE(parse_byte_count(text).has_value()) << text;
  }
}

TEST(ByteCountText, exact_form_reads_back) {
  for (const ByteCount bytes :
       {ByteCount{0}, ByteCount{1}, 4097 * kKiB, 514 * kMiB, 2 * kGiB, kGiB * kKiB, ~ByteCount{0}}) {
    EXPECT_EQ(*parse_byte_count(exact_byte_count(bytes)), bytes);
  }
  EXPECT_EQ(exact_byte_count(1026 * kMiB), "1026M");
}

TEST(ByteCountText, readable_form) {
  EXPECT_EQ(readable_byte_count(12), "12 bytes");
  EXPECT_EQ(readable_byte_count(1536 * kMiB), "1.5 GiB");
  EXPECT_EQ(readable_byte_count(kMiB - 1), "1 MiB");
  EXPECT_EQ(readable_byte_count(640 * kKiB), "640 KiB");
}

}  // namespace
}  // namespace warmdump
