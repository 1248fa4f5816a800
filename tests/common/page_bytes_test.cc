#include "common/page_bytes.h"

#include <gtest/gtest.h>

#include <array>

namespace warmdump {
namespace {

using Page = std::array<std::byte, 4096>;

TEST(PageBytes, SeesAnyByteThatIsNotZero) {
  Page page{};
  EXPECT_TRUE(is_all_zero(page.data(), page.size()));
  for (std::byte& byte : page) {
    byte = std::byte{0x80};
    EXPECT_FALSE(is_all_zero(page.data(), page.size()));
    byte = std::byte{0};
  }
}

TEST(PageBytes, CopiesEveryByteAndNoMore) {
  Page from{};
  for (std::size_t i = 0; i < from.size(); ++i) from[i] = static_cast<std::byte>(i * 7 + i / 256);
  std::array<std::byte, 4096 + 64> to{};
  copy_pages(to.data(), from.data(), from.size());
  EXPECT_TRUE(std::equal(from.begin(), from.end(), to.begin()));
  EXPECT_TRUE(is_all_zero(to.data() + 4096, 64));
}

TEST(PageBytes, MovesDownOverItself) {
  std::array<std::byte, 2 * 4096> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 5 + i / 128);
  const auto expected = bytes;
  copy_pages(bytes.data(), bytes.data() + 64, 4096);
  EXPECT_TRUE(std::equal(bytes.begin(), bytes.begin() + 4096, expected.begin() + 64));
}

}  // namespace
}  // namespace warmdump
