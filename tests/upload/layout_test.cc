// Directories of every layout are found whole by the uploader.

#include <gmock/gmock.h>

#include "tests/upload/dump_fixture.h"
#include "upload/source/dump_directory.h"

namespace warmdump {
namespace {

using testing::ElementsAre;

class LayoutUpload : public DumpTest {
 protected:
  std::vector<std::string> sent(const std::string& meta) {
    write_file(dump / "meta.json", meta);
    const auto opened = open_dump_directory(dump);
    EXPECT_TRUE(opened) << opened.error().message;
    std::vector<std::string> names;
    if (opened) {
      for (const DumpFile& file : opened->files) names.push_back(file.name);
    }
    return names;
  }
  void rename(const char* from, const char* to) { std::filesystem::rename(dump / from, dump / to); }
};

TEST_F(LayoutUpload, sends_a_vmcore_of_any_name_behind_the_small_files) {
  rename("vmcore", "dump.202311142213");
  rename("vmcore-dmesg.txt", "dmesg.202311142213");
  write_file(dump / "x", std::string(1000, 'x'));
  EXPECT_THAT(
      sent(R"({"schema": 1, "files": {"vmcore": "dump.202311142213", "dmesg": "dmesg.202311142213"}})"),
      ElementsAre("dmesg.202311142213", "x", "meta.json", "dump.202311142213"));
}

TEST_F(LayoutUpload, sends_what_belongs_to_suse_and_chromeos) {
  rename("vmcore-dmesg.txt", "dmesg");
  write_file(dump / "README.txt", "text");
  write_file(dump / "kernel.20231114.221320.00001.0.meta", "done=1\n");
  EXPECT_THAT(
      sent(R"({"files": {"vmcore": "vmcore", "dmesg": "dmesg"}})"),
      ElementsAre("README.txt", "kernel.20231114.221320.00001.0.meta", "dmesg", "meta.json", "vmcore"));
}

TEST_F(LayoutUpload, is_refused_where_the_vmcore_that_meta_json_names_is_missing) {
  write_file(dump / "meta.json", R"({"files": {"vmcore": "dump.1"}})");
  const auto opened = open_dump_directory(dump);
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().message, testing::HasSubstr("has no dump.1"));
}

}  // namespace
}  // namespace warmdump
