#include "arm/load/kernel_image.h"

#include <gtest/gtest.h>

#include "tests/arm/sample_kernel.h"

namespace warmdump {
namespace {

TEST(KernelImage, tells_version_and_size) {
  const auto image = parse_kernel_image(sample_kernel("6.1.0-50-amd64"));
  ASSERT_TRUE(image.has_value()) << image.error().message;
  EXPECT_EQ(image->version, "6.1.0-50-amd64");
  EXPECT_EQ(image->init_size, 64 * kMiB);
}

TEST(KernelImage, everything_else_is_refused) {
  const std::string kernel = sample_kernel("6.1.0");
  std::string old = kernel;
  old[0x206] = 0x0b;
  std::string outside = kernel;
  outside[0x20f] = '\x7f';
  for (const std::string& bytes : {std::string(), std::string(4096, '\0'), kernel.substr(0, 0x263), old,
                                   outside, sample_kernel(""), sample_kernel("../../etc")}) {
    EXPECT_FALSE(parse_kernel_image(bytes).has_value());
  }
}

}  // namespace
}  // namespace warmdump
