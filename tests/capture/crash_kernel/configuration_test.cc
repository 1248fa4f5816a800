#include "capture/crash_kernel/configuration.h"

#include <gmock/gmock.h>

#include <array>
#include <string>

namespace warmdump {
namespace {

using testing::ElementsAre;

// A crash kernel with this /warmdump.conf and this command line.
struct Settings {
  explicit Settings(std::string file, std::string line = "")
      : lines(std::move(file)), words(std::move(line)) {
    reader.read_lines(lines.data(), lines.size());
    reader.read_words(words.data(), words.size());
  }

  std::vector<std::string> wrong_keys() const {
    std::vector<std::string> keys;
    for (const ConfigurationProblem& problem : reader.problems()) keys.emplace_back(problem.key);
    return keys;
  }

  std::string lines;
  std::string words;
  std::array<char, 64> info{};
  CaptureOptions options;
  ConfigurationReader reader{options, info};
};

constexpr const char* kRegion = "region_start=0x10fe00000\nregion_size=0x20200000\n";

TEST(Configuration, TakesAllKeys) {
  const Settings settings(std::string("# made by arm\n") + kRegion +
                          "dump_level=16\nreset=off\ndeadline=90\nwatchdog=30\n"
                          "module=/modules/a.ko\nmodule=/modules/b.ko debug=1\npmem_module=/modules/c.ko\n"
                          "info.boot_id=abc\ninfo.os=Debian 12\n");
  const CaptureOptions& options = settings.options;
  EXPECT_TRUE(settings.reader.check().has_value());
  EXPECT_EQ(settings.reader.problem_count(), 0U);
  EXPECT_EQ(options.region_start, 0x10fe00000U);
  EXPECT_EQ(options.region_size, 0x20200000U);
  EXPECT_EQ(options.dump_level, 16U);
  EXPECT_EQ(options.final_action, FinalAction::power_off);
  EXPECT_EQ(options.deadline_s, 90U);
  EXPECT_EQ(options.watchdog_s, 30U);
  ASSERT_EQ(options.module_count, 2U);
  EXPECT_STREQ(options.modules[1], "/modules/b.ko debug=1");
  ASSERT_EQ(options.pmem_module_count, 1U);
  EXPECT_EQ(options.info, "boot_id=abc\nos=Debian 12\n");
}

TEST(Configuration, ASecretIsTakenWithoutAWord) {
  const Settings settings(std::string(kRegion) + "secret=0f" + std::string(60, 'a') + "F0\nboot_id=b-1\n");
  EXPECT_EQ(settings.reader.problem_count(), 0U);
  EXPECT_EQ(settings.options.info, "");
  EXPECT_TRUE(settings.options.secret.is_set);
  EXPECT_EQ(settings.options.secret.secret[0], 0x0f);
  EXPECT_EQ(settings.options.secret.secret[30], 0xaa);
  EXPECT_EQ(settings.options.secret.secret[31], 0xf0);
  EXPECT_EQ(settings.options.secret.boot_id, "b-1");
}

TEST(Configuration, AWrongSecretIsToldWithoutItsValueAndCostsTheSealOnly) {
  for (const std::string& value : {std::string(63, 'a'), std::string(65, 'a'), std::string(63, 'a') + "g"}) {
    const Settings settings(std::string(kRegion) + "secret=" + value + "\n");
    EXPECT_THAT(settings.wrong_keys(), ElementsAre("secret"));
    EXPECT_FALSE(settings.options.secret.is_set);
    EXPECT_TRUE(settings.reader.check().has_value());
  }
}

TEST(Configuration, TheLastLineNeedsNoNewline) {
  for (const char* end : {"", "\n"}) {
    const Settings settings(std::string(kRegion) + "deadline=120" + end);
    EXPECT_EQ(settings.options.deadline_s, 120U);
  }
}

TEST(Configuration, TheCommandLineGoesOverTheFile) {
  const Settings settings(
      std::string(kRegion) + "deadline=10\nreset=off\ninfo.a=1\n",
      "quiet warmdump.deadline=60 memmap=1M!2M  warmdump.reset=efi "
      "warmdump.info.os=\"Debian 12\" \"warmdump.dump_level=17\" -- warmdump.deadline=5\n");
  EXPECT_TRUE(settings.reader.check().has_value());
  EXPECT_EQ(settings.reader.problem_count(), 0U);
  EXPECT_EQ(settings.options.deadline_s, 60U);
  EXPECT_EQ(settings.options.final_action, FinalAction::efi_reset);
  EXPECT_EQ(settings.options.dump_level, 17U);
  EXPECT_EQ(settings.options.region_size, 0x20200000U);
  EXPECT_EQ(settings.options.info, "a=1\nos=Debian 12\n");
}

TEST(Configuration, EveryResetWordIsKnown) {
  const struct {
    const char* word;
    FinalAction action;
  } cases[] = {{"warm", FinalAction::warm_reset}, {"cold", FinalAction::cold_reset},
               {"efi", FinalAction::efi_reset},   {"acpi", FinalAction::acpi_reset},
               {"kbd", FinalAction::kbd_reset},   {"off", FinalAction::power_off},
               {"halt", FinalAction::halt},       {"none", FinalAction::halt}};
  for (const auto& test : cases) {
    const Settings settings(std::string(kRegion) + "reset=" + test.word);
    EXPECT_EQ(settings.options.final_action, test.action) << test.word;
    EXPECT_EQ(settings.reader.problem_count(), 0U) << test.word;
  }
}

TEST(Configuration, AMistakeCostsOnlyItsSetting) {
  const Settings settings(std::string(kRegion) +
                              "nonsense\nfrom_a_newer_arm=1\nreset=soon\ndump_level=32\ndeadline=-1\n"
                              "watchdog=1e3\nmodule=\ndeadline=7\n",
                          "warmdump.deadlin=9 warmdump.quiet warmdump.reset=");
  EXPECT_TRUE(settings.reader.check().has_value());
  EXPECT_EQ(settings.options.deadline_s, 7U);
  EXPECT_EQ(settings.options.dump_level, 31U);
  EXPECT_EQ(settings.options.final_action, FinalAction::warm_reset);
  EXPECT_EQ(settings.options.module_count, 0U);
  EXPECT_THAT(settings.wrong_keys(),
              ElementsAre("nonsense", "from_a_newer_arm", "reset", "dump_level", "deadline", "watchdog",
                          "module", "deadlin", "quiet", "reset"));
  EXPECT_EQ(settings.reader.problems()[2].error.where_kind, WhereKind::line);
  EXPECT_EQ(settings.reader.problems()[2].error.where, 5U);
  EXPECT_EQ(settings.reader.problems()[7].error.where_kind, WhereKind::nowhere);
}

TEST(Configuration, WhereTheDumpMayGoIsVital) {
  for (const char* wrong : {"", "region_start=0x1000\n", "region_size=0\n",
                            "region_size=0x1000\nregion_size=1G\n", "region_size=0x1000\nregion_start=\n"}) {
    EXPECT_FALSE(Settings(wrong).reader.check().has_value()) << wrong;
  }
  const auto wrong = Settings("region_size=0x1000\n\nregion_start=here\n").reader.check();
  ASSERT_FALSE(wrong.has_value());
  EXPECT_EQ(wrong.error().where, 3U);
  EXPECT_FALSE(Settings(kRegion, "warmdump.region_size=much").reader.check().has_value());
}

TEST(Configuration, InfoThatDoesNotFitIsTold) {
  const Settings settings(std::string(kRegion) + "info.a=" + std::string(100, 'x') + "\ninfo.b=1\n");
  EXPECT_EQ(settings.options.info, "b=1\n");
  EXPECT_THAT(settings.wrong_keys(), ElementsAre("info"));
}

TEST(Configuration, MoreMistakesThanAreKeptAreCounted) {
  std::string text = kRegion;
  for (int i = 0; i < 100; ++i) text += "x" + std::to_string(i) + "=1\n";
  const Settings settings(text);
  EXPECT_TRUE(settings.reader.check().has_value());
  EXPECT_EQ(settings.reader.problem_count(), 100U);
  EXPECT_LT(settings.reader.problems().size(), 100U);
}

TEST(Configuration, MoreModulesThanFitAreTold) {
  std::string text = kRegion;
  for (std::size_t i = 0; i <= CaptureOptions::kModulesMax; ++i) text += "module=/m.ko\n";
  const Settings settings(text);
  EXPECT_EQ(settings.options.module_count, CaptureOptions::kModulesMax);
  EXPECT_THAT(settings.wrong_keys(), ElementsAre("module"));
}

TEST(Configuration, OddTextsEndInOrder) {
  for (const char* odd :
       {"=", "==", "\n\n\n", "#", "a", "info.", "info.=", "info.x", "\r\n=\r\n", "deadline=\"5\""}) {
    EXPECT_EQ(Settings(odd).options.deadline_s, 0U) << odd;
  }
  for (const char* odd : {"\"", "warmdump.", "warmdump.=", "warmdump.deadline=\"", "\"warmdump.deadline=x",
                          " \" \"\" ", "warmdump.info.a=\""}) {
    EXPECT_EQ(Settings("", odd).options.deadline_s, 0U) << odd;
  }
}

}  // namespace
}  // namespace warmdump
