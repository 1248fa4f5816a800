// What the machine is like: links that cost, batteries, consent. With files and programs in place of the
// machine's.

#include <sys/stat.h>

#include "tests/upload/dump_fixture.h"
#include "upload/surroundings/consent_file.h"
#include "upload/surroundings/metered_link.h"
#include "upload/surroundings/power_supply.h"

namespace warmdump {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;
using namespace std::chrono_literals;

class SurroundingsTest : public testing::Test {
 protected:
  std::string program(const std::string& name, const std::string& body) {
    const fs::path path = temporary.path() / name;
    write_file(path, "#!/bin/sh\n" + body + "\n");
    chmod(path.c_str(), 0755);
    return path;
  }
  void supply(const std::string& name, const std::vector<std::pair<const char*, const char*>>& values) {
    fs::create_directories(temporary.path() / "supplies" / name);
    for (const auto& [file, value] : values) {
      write_file(temporary.path() / "supplies" / name / file, std::string(value) + "\n");
    }
  }
  bool on_battery() { return is_on_battery(temporary.path() / "supplies"); }

  test::TemporaryDirectory temporary;
  VirtualClock clock;
};

TEST_F(SurroundingsTest, what_networkmanager_says_of_the_link) {
  EXPECT_EQ(metered_of_property("u 1\n"), true);
  EXPECT_EQ(metered_of_property("u 3\n"), true);
  EXPECT_EQ(metered_of_property("u 2\n"), false);
  EXPECT_EQ(metered_of_property("u 4"), false);
  for (const char* text : {"u 0\n", "u 5\n", "", "u 11\n", "s \"1\"\n", "u 1\nu 2\n"}) {
    EXPECT_EQ(metered_of_property(text), std::nullopt) << text;
  }
}

TEST_F(SurroundingsTest, networkmanager_is_asked_where_there_is_no_command) {
  MeteredLink link("", program("busctl", "[ \"$3\" = get-property ] && echo u 1"), clock);
  EXPECT_EQ(link.is_metered(), true);
  MeteredLink absent("", temporary.path() / "no-busctl", clock);
  EXPECT_EQ(absent.is_metered(), std::nullopt);
  MeteredLink silent("", program("silent", "exit 1"), clock);
  EXPECT_EQ(silent.is_metered(), std::nullopt);
  EXPECT_EQ(silent.complaint(), "");
}

TEST_F(SurroundingsTest, a_link_that_changes_is_seen_after_half_a_minute) {
  const fs::path flag = temporary.path() / "flag";
  MeteredLink link(program("metered", "test -e " + flag.string()), "", clock);
  EXPECT_EQ(link.is_metered(), false);
  write_file(flag, "");
  EXPECT_EQ(link.is_metered(), false);
  clock.sleep_for(30s);
  EXPECT_EQ(link.is_metered(), true);
}

TEST_F(SurroundingsTest,
       a_link_counts_as_one_that_costs_when_its_command_cannot_be_run_and_that_is_told_once) {
  MeteredLink link(temporary.path() / "none", "", clock);
  EXPECT_EQ(link.is_metered(), true);
  EXPECT_THAT(link.complaint(), HasSubstr("metered_command"));
  clock.sleep_for(1min);
  EXPECT_EQ(link.is_metered(), true);
  EXPECT_EQ(link.complaint(), "");
}

TEST_F(SurroundingsTest, a_machine_is_on_battery_when_its_own_discharges_and_nothing_feeds_it) {
  EXPECT_FALSE(on_battery());  // no such directory
  supply("hidpp_battery_0", {{"type", "Battery"}, {"scope", "Device"}, {"status", "Discharging"}});
  EXPECT_FALSE(on_battery());
  supply("BAT0", {{"type", "Battery"}, {"status", "Full"}});
  EXPECT_FALSE(on_battery());
  supply("BAT0", {{"status", "Discharging"}});
  EXPECT_TRUE(on_battery());
  supply("AC", {{"type", "Mains"}, {"online", "0"}});
  EXPECT_TRUE(on_battery());
  supply("ucsi", {{"type", "USB"}, {"online", "1"}});
  EXPECT_FALSE(on_battery());
}

TEST_F(SurroundingsTest, consent_is_a_file_that_is_there) {
  const fs::path file = temporary.path() / "consent";
  EXPECT_TRUE(has_consent(""));
  EXPECT_FALSE(has_consent(file));
  write_file(file, "");
  EXPECT_TRUE(has_consent(file));
  EXPECT_FALSE(has_consent(temporary.path()));
  EXPECT_FALSE(has_consent(file / "below"));
}

}  // namespace
}  // namespace warmdump
