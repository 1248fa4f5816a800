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
                                 "--overwrite", "--deadline",     "90",          "--hint",  "cpu_count=3"};
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
  EXPECT_EQ(options.deadline_s, 90U);
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
      {"--vmcore", "core", "--region", "file", "--deadline", "soon"},
      {"--vmcore", "core", "--region", "file", "--deadline", "1000001"},
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
