#include "capture/capture_options.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "capture/support/parse_number.h"

namespace warmdump {
namespace {

using testing::HasSubstr;

Result<void> parse(std::vector<std::string> words, CaptureOptions& options) {
  std::vector<char*> argv;
  words.insert(words.begin(), "warmdump-capture");
  for (std::string& word : words) argv.push_back(word.data());
  return parse_arguments(static_cast<int>(argv.size()), argv.data(), options);
}

TEST(ParseArguments, TakesAllOptions) {
  std::vector<std::string> words{"--vmcore",    "core",           "--region",    "file",    "--dump-level",
                                 "17",          "--region-range", "0x1000,4096", "--stats", "--read",
                                 "--overwrite", "--hint",         "cpu_count=3"};
  std::vector<char*> argv;
  words.insert(words.begin(), "warmdump-capture");
  for (std::string& word : words) argv.push_back(word.data());
  CaptureOptions options;
  ASSERT_TRUE(parse_arguments(static_cast<int>(argv.size()), argv.data(), options).has_value());
  EXPECT_STREQ(options.vmcore_path, "core");
  EXPECT_STREQ(options.region_path, "file");
  EXPECT_EQ(options.dump_level, 17U);
  EXPECT_EQ(options.hints.cpu_count, 3U);
  EXPECT_EQ(options.region_start, 0x1000U);
  EXPECT_EQ(options.region_size, 4096U);
  EXPECT_TRUE(options.stats && options.overwrite);
  EXPECT_EQ(options.access, VmcoreMemory::Access::read);
}

TEST(ParseArguments, RefusesWhatMakesNoSense) {
  const std::vector<std::vector<std::string>> wrong = {
      {},
      {"--vmcore", "core"},
      {"--region", "file"},
      {"--vmcore"},
      {"--vmcore", "core", "--region", "file", "--dump-level", "32"},
      {"--vmcore", "core", "--region", "file", "--dump-level", "-1"},
      {"--vmcore", "core", "--region", "file", "--region-range", "5"},
      {"--vmcore", "core", "--region", "file", "--hint", "cpu_count"},
      {"--vmcore", "core", "--region", "file", "--hint", "cpu_count=many"},
      {"--vmcore", "core", "--region", "file", "--unknown"},
  };
  for (const auto& words : wrong) {
    CaptureOptions options;
    const auto parsed = parse(words, options);
    ASSERT_FALSE(parsed.has_value());
    EXPECT_EQ(parsed.error().code, ErrorCode::invalid);
  }
}

struct Configuration {
  explicit Configuration(std::string content) : text(std::move(content)) {}
  Result<void> parse() { return parse_configuration(text.data(), text.size(), info, options); }

  std::string text;
  std::array<char, 64> info{};
  CaptureOptions options;
};

TEST(ParseConfiguration, TakesAllKeys) {
  Configuration configuration(
      "# made by arm\nregion_start=0x10fe00000\nregion_size=0x20200000\ndump_level=16\nreset=off\n"
      "module=/modules/a.ko\nmodule=/modules/b.ko\npmem_module=/modules/"
      "c.ko\ninfo.boot_id=abc\ninfo.os=Debian 12\n");
  ASSERT_TRUE(configuration.parse().has_value());
  const CaptureOptions& options = configuration.options;
  EXPECT_EQ(options.region_start, 0x10fe00000U);
  EXPECT_EQ(options.region_size, 0x20200000U);
  EXPECT_EQ(options.dump_level, 16U);
  EXPECT_EQ(options.final_action, FinalAction::power_off);
  ASSERT_EQ(options.module_count, 2U);
  EXPECT_STREQ(options.modules[1], "/modules/b.ko");
  ASSERT_EQ(options.pmem_module_count, 1U);
  EXPECT_EQ(options.info, "boot_id=abc\nos=Debian 12\n");
}

TEST(ParseConfiguration, NamesTheWrongLine) {
  for (const char* wrong : {"dump_level=31\nnonsense\n", "dump_level=31\nunknown=1\n",
                            "dump_level=31\nreset=soon\n", "dump_level=31\nregion_size=much\n"}) {
    Configuration configuration(wrong);
    const auto parsed = configuration.parse();
    ASSERT_FALSE(parsed.has_value()) << wrong;
    EXPECT_EQ(parsed.error().where, 2U) << wrong;
  }
}

TEST(ParseConfiguration, LeavesOutInfoThatDoesNotFit) {
  Configuration configuration("info.a=" + std::string(100, 'x') + "\ninfo.b=1\n");
  ASSERT_TRUE(configuration.parse().has_value());
  EXPECT_EQ(configuration.options.info, "b=1\n");
}

TEST(ParseNumber, IsStrict) {
  EXPECT_EQ(parse_number("0"), 0U);
  EXPECT_EQ(parse_number("0x1F"), 31U);
  EXPECT_EQ(parse_number("18446744073709551615"), ~std::uint64_t{0});
  for (const char* wrong : {"", "0x", "-1", "1 ", "12a", "18446744073709551616", "0x10000000000000000"}) {
    EXPECT_FALSE(parse_number(wrong).has_value()) << wrong;
  }
}

}  // namespace
}  // namespace warmdump
