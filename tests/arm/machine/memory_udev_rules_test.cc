#include "arm/machine/memory_udev_rules.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "tests/support/temporary_directory.h"

namespace warmdump {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> found_in(std::string_view text) {
  std::vector<std::string> found;
  for (const MemoryOnlineRule& rule : memory_online_rules_in(text, "x.rules")) {
    found.push_back(std::to_string(rule.line) + " " + rule.value);
  }
  return found;
}

TEST(MemoryUdevRules, one_that_brings_memory_online) {
  EXPECT_THAT(
      found_in("# memory\n"
               "SUBSYSTEM==\"memory\", ACTION==\"add\", ATTR{state}==\"offline\", ATTR{state}=\"online\"\n"),
      ElementsAre("2 online"));
}

TEST(MemoryUdevRules, a_condition_on_the_state_is_no_order) {
  EXPECT_THAT(found_in("SUBSYSTEM==\"memory\", ATTR{state}==\"online\", RUN+=\"/bin/true\"\n"), IsEmpty());
}

TEST(MemoryUdevRules, movable_is_what_is_wanted) {
  EXPECT_THAT(found_in("SUBSYSTEM==\"memory\", ACTION==\"add\", ATTR{state}=\"online_movable\"\n"),
              IsEmpty());
}

TEST(MemoryUdevRules, other_subsystems_have_states_too) {
  EXPECT_THAT(found_in("SUBSYSTEM==\"cpu\", ACTION==\"add\", ATTR{state}=\"online\"\n"), IsEmpty());
}

TEST(MemoryUdevRules, a_rule_over_several_lines) {
  EXPECT_THAT(
      found_in("\n\nSUBSYSTEM==\"memory\", \\\n  ACTION==\"add\", \\\n  ATTR{state}=\"online_kernel\"\n"),
      ElementsAre("3 online_kernel"));
}

TEST(MemoryUdevRules, a_section_that_others_leave) {
  EXPECT_THAT(
      found_in("SUBSYSTEM!=\"memory\", GOTO=\"memory_end\"\n"
               "ACTION!=\"add\", GOTO=\"memory_end\"\n"
               "ENV{.state}=\"online\"\n"
               "PROGRAM=\"/bin/systemd-detect-virt\", RESULT==\"none\", ENV{.state}=\"online_movable\"\n"
               "ATTR{state}==\"offline\", ATTR{state}=\"$env{.state}\"\n"
               "LABEL=\"memory_end\"\n"
               "ATTR{state}=\"online\"\n"),
      ElementsAre("5 online"));
}

TEST(MemoryUdevRules, names_of_attributes_hold_any_character) {
  EXPECT_THAT(found_in("ATTR{[dmi/id]sys_vendor}==\"Some-Maker, Inc.\", SUBSYSTEM==\"memory\", "
                       "TEST==\"state\", ATTR{state}!=\"online\", ATTR{state}=\"online\"\n"),
              ElementsAre("1 online"));
}

TEST(MemoryUdevRules, a_command_that_writes_the_state) {
  EXPECT_THAT(found_in("SUBSYSTEM==\"memory\", ACTION==\"add\", "
                       "RUN+=\"/bin/sh -c 'echo online > /sys$devpath/state'\"\n"),
              ElementsAre("1 online"));
  EXPECT_THAT(
      found_in("SUBSYSTEM==\"memory\", RUN+=\"/bin/sh -c 'echo online_movable > /sys$devpath/state'\"\n"),
      IsEmpty());
}

TEST(MemoryUdevRules, patterns_of_the_subsystem) {
  EXPECT_THAT(found_in("SUBSYSTEM==\"cpu|memory\", ATTR{state}=\"online\"\n"), ElementsAre("1 online"));
  EXPECT_THAT(found_in("SUBSYSTEM==\"mem*\", ATTR{state}=\"online\"\n"), ElementsAre("1 online"));
  EXPECT_THAT(found_in("SUBSYSTEM==\"block|net\", ATTR{state}=\"online\"\n"), IsEmpty());
}

TEST(MemoryUdevRules, garbage_is_no_rule) {
  for (const char* text :
       {"\"\"\"", "ATTR{state", "==", "SUBSYSTEM==\"memory\", ATTR{state}=\"online", "\\", "="}) {
    found_in(text);
  }
}

class MemoryUdevRuleFiles : public testing::Test {
 protected:
  void write(const std::string& path, const std::string& text) {
    const std::filesystem::path file = files_.path(path);
    std::filesystem::create_directories(file.parent_path());
    ASSERT_TRUE(write_whole_file(file, text).has_value());
  }
  std::vector<std::string> found() const {
    std::vector<std::string> names;
    for (const MemoryOnlineRule& rule : memory_online_rules(files_)) names.push_back(rule.file);
    return names;
  }

  static constexpr const char* kRule = "SUBSYSTEM==\"memory\", ACTION==\"add\", ATTR{state}=\"online\"\n";
  const test::TemporaryDirectory directory_;
  const MachineFiles files_{directory_.path()};
};

TEST_F(MemoryUdevRuleFiles, in_the_order_of_their_names) {
  write("/lib/udev/rules.d/80-memory.rules", kRule);
  write("/etc/udev/rules.d/90-memory.rules", kRule);
  write("/usr/lib/udev/rules.d/40-memory.rules", kRule);
  write("/usr/lib/udev/rules.d/40-memory.rules.disabled", kRule);
  EXPECT_THAT(found(), ElementsAre("/usr/lib/udev/rules.d/40-memory.rules",
                                   "/lib/udev/rules.d/80-memory.rules", "/etc/udev/rules.d/90-memory.rules"));
}

TEST_F(MemoryUdevRuleFiles, one_of_higher_rank_hides_the_other) {
  write("/lib/udev/rules.d/80-memory.rules", kRule);
  write("/etc/udev/rules.d/80-memory.rules", "# nothing\n");
  EXPECT_THAT(found(), IsEmpty());
}

TEST_F(MemoryUdevRuleFiles, a_link_to_nothing_takes_a_rule_away) {
  write("/lib/udev/rules.d/80-memory.rules", kRule);
  std::filesystem::create_directories(files_.path("/etc/udev/rules.d"));
  std::filesystem::create_symlink("/dev/null", files_.path("/etc/udev/rules.d/80-memory.rules"));
  EXPECT_THAT(found(), IsEmpty());
}

}  // namespace
}  // namespace warmdump
