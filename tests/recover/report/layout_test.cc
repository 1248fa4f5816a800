#include "recover/report/layout.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "common/hosted/dump_file_names.h"
#include "recover/report/chromeos_signature.h"
#include "recover/report/crash_report.h"
#include "recover/report/dump_directory.h"
#include "tests/support/dump_builder.h"
#include "tests/support/temporary_directory.h"

namespace warmdump {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::string content_of(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

class Layout : public testing::Test {
 protected:
  // Writes the small machine's dump by `layout`; what is there then.
  std::set<std::string> write(const std::string& layout, bool redact = false) {
    auto machine = test::make_small_machine();
    machine.builder.header.crash_time_s = 1'700'000'000;
    const auto region = machine.builder.build();
    const auto dump = DumpReader::open(region);
    EXPECT_TRUE(dump);
    DumpDirectoryOptions options;
    options.layout = layout;
    options.redact = redact;
    options.report = false;
    const auto summary = write_dump_directory(*dump, directory_.path(), {}, options);
    EXPECT_TRUE(summary) << summary.error().message;
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(directory_.path()))
      names.insert(entry.path().filename());
    return names;
  }
  DumpFileNames names() const { return dump_file_names(content_of(directory_ / "meta.json")); }

  test::TemporaryDirectory directory_;
};

TEST_F(Layout, of_redhat_is_the_default) {
  EXPECT_EQ(find_dump_layout("")->name, std::string("redhat"));
  EXPECT_THAT(write(""), testing::IsSupersetOf({"meta.json", "vmcore", "vmcore-dmesg.txt"}));
  EXPECT_EQ(names().vmcore, "vmcore");
}

TEST_F(Layout, of_debian_has_the_time_in_the_names) {
  EXPECT_THAT(write("debian"),
              testing::IsSupersetOf({"dmesg.202311142213", "dump.202311142213", "meta.json"}));
  EXPECT_EQ(names().vmcore, "dump.202311142213");
  EXPECT_EQ(names().dmesg, "dmesg.202311142213");
}

TEST_F(Layout, of_suse_has_a_readme) {
  EXPECT_THAT(write("suse"), testing::IsSupersetOf({"README.txt", "dmesg", "meta.json", "vmcore"}));
  EXPECT_THAT(content_of(directory_ / "README.txt"),
              testing::AllOf(HasSubstr("vmcore status: saved successfully\n"),
                             HasSubstr("Kernel version: 6.1.0-99-amd64\nCrash time: 2023-11-14T22:13:20\n"),
                             HasSubstr("Host: testhost\n")));
}

TEST_F(Layout, of_chromeos_has_a_report_for_its_sender) {
  const auto files = write("chromeos");
  EXPECT_THAT(files, testing::IsSupersetOf({"meta.json", "vmcore", "vmcore-dmesg.txt"}));
  const auto meta = nlohmann::json::parse(content_of(directory_ / "meta.json"));
  const std::string payload_name = meta["files"]["crash_report_payload"],
                    meta_name = meta["files"]["crash_report_meta"];
  EXPECT_THAT(payload_name, testing::MatchesRegex("kernel\\.20231114\\.221320\\.[0-9]{5}\\.0\\.kcrash"));
  const std::string payload = content_of(directory_ / payload_name);
  EXPECT_THAT(payload, HasSubstr("<4>[   12.345678] sysrq: Trigger a crash\n"));
  std::vector<std::string> keys;
  std::map<std::string, std::string> values;
  std::istringstream lines(content_of(directory_ / meta_name));
  for (std::string line; std::getline(lines, line);) {
    keys.push_back(line.substr(0, line.find('=')));
    values[keys.back()] = line.substr(line.find('=') + 1);
  }
  EXPECT_EQ(values["sig"], chromeos_signature(payload));
  EXPECT_EQ(values["payload"], payload_name);
  EXPECT_EQ(values["done"], "1");
  EXPECT_THAT(keys, ElementsAre("upload_var_collector", "sig", "upload_var_reportTimeMillis", "exec_name",
                                "ver", "upload_var_lsb-release", "upload_var_cros_milestone",
                                "upload_var_osName", "upload_var_osVersion", "payload", "done"));
}

TEST_F(Layout, that_is_unknown_writes_nothing) {
  EXPECT_EQ(find_dump_layout("solaris"), nullptr);
  auto machine = test::make_small_machine();
  const auto region = machine.builder.build();
  const auto dump = DumpReader::open(region);
  DumpDirectoryOptions options;
  options.layout = "solaris";
  EXPECT_EQ(write_dump_directory(*dump, directory_.path(), {}, options).error().code, ErrorCode::invalid);
  EXPECT_TRUE(std::filesystem::is_empty(directory_.path()));
}

TEST_F(Layout, with_redaction_names_the_host_in_no_text) {
  write("suse", true);
  for (const char* name : {"meta.json", "dmesg", "README.txt"})
    EXPECT_THAT(content_of(directory_ / name), Not(HasSubstr("testhost"))) << name;
  EXPECT_THAT(content_of(directory_ / "meta.json"), HasSubstr("\"redacted\": true"));
  EXPECT_THAT(content_of(directory_ / "meta.json"), HasSubstr("\"boot_id\": \"5a5a\""));
}

TEST(CrashReport, of_a_hostile_dump_has_no_keys_of_its_making_and_no_personal_data) {
  DumpSummary summary;
  summary.capture_info["os_release"] = "x\ndone=1\nsig=forged";
  summary.kernel.node_name = "janes-laptop";
  PrintkLog log;
  log.records.push_back(
      {0, 1'000'000'000, 0, "Kernel panic - not syncing: janes-laptop at 192.168.7.7\npayload=/etc/shadow"});
  const CrashReport report = make_crash_report(summary, log, 1'700'000'000, 1);
  EXPECT_THAT(report.meta, HasSubstr("upload_var_lsb-release=x_done=1_sig=forged\n"));
  EXPECT_THAT(report.meta, HasSubstr("sig=kernel-<host-1> at <ipv4-1>-00000000\n"));
  EXPECT_THAT(report.payload, Not(HasSubstr("192.168.7.7")));
  EXPECT_EQ(make_crash_report(summary, log, 1'700'000'000, 2).payload_name, report.payload_name);
}

TEST(DumpFileNames, come_from_meta_json_and_are_the_defaults_without) {
  EXPECT_EQ(dump_file_names(R"({"files": {"vmcore": "dump.1", "dmesg": "dmesg.1"}})").vmcore, "dump.1");
  for (const char* text :
       {"", "{", "[]", R"({"schema": 1})", R"({"files": []})", R"({"files": {"vmcore": 3}})",
        R"({"files": {"vmcore": "../../etc/passwd"}})", R"({"files": {"vmcore": ".hidden"}})"}) {
    EXPECT_EQ(dump_file_names(text).vmcore, "vmcore") << text;
    EXPECT_EQ(dump_file_names(text).dmesg, "vmcore-dmesg.txt") << text;
  }
}

}  // namespace
}  // namespace warmdump
