#include "initramfs/kernel_config.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "common/hosted/whole_file.h"
#include "initramfs/compressor.h"
#include "tests/support/temporary_directory.h"

namespace warmdump {
namespace {

TEST(KernelConfig, only_built_in_settings_count) {
  const KernelConfig config =
      KernelConfig::parse("#\n# CONFIG_A is not set\nCONFIG_B=m\nCONFIG_C=y\nCONFIG_D=\"y\"\nCONFIG_E=y");
  EXPECT_FALSE(config.enabled("A"));
  EXPECT_FALSE(config.enabled("B"));
  EXPECT_TRUE(config.enabled("C"));
  EXPECT_FALSE(config.enabled("D"));
  EXPECT_TRUE(config.enabled("E"));
  EXPECT_FALSE(KernelConfig::parse("").known());
}

TEST(KernelConfig, is_found_beside_the_kernel_or_with_the_modules) {
  const test::TemporaryDirectory directory;
  const std::string folder = directory.path();
  std::filesystem::create_directories(folder + "/modules");
  EXPECT_FALSE(find_kernel_config("9.9-test", folder + "/vmlinuz", folder + "/modules").known());

  const auto packed = compressors().back().compress("CONFIG_IN_MODULES=y\n", {});
  ASSERT_TRUE(write_whole_file(folder + "/modules/config", *packed).has_value());
  EXPECT_TRUE(find_kernel_config("9.9-test", folder + "/vmlinuz", folder + "/modules").enabled("IN_MODULES"));

  ASSERT_TRUE(write_whole_file(folder + "/config-9.9-test", "CONFIG_BESIDE=y\n").has_value());
  EXPECT_TRUE(find_kernel_config("9.9-test", folder + "/vmlinuz", folder + "/modules").enabled("BESIDE"));
}

}  // namespace
}  // namespace warmdump
