#include "upload/source/dump_directory.h"

#include <sys/stat.h>

#include "tests/upload/dump_fixture.h"

namespace warmdump {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
namespace fs = std::filesystem;

std::vector<std::string> names(const std::vector<DumpFile>& files) {
  std::vector<std::string> result;
  for (const auto& file : files) result.push_back(file.name);
  return result;
}

std::string refusal(const fs::path& path) {
  const auto dump = open_dump_directory(path);
  return dump.has_value() ? "accepted" : dump.error().message;
}

TEST(SendingOrder, TheReportFirstThenTheVmcore) {
  std::vector<DumpFile> files(5);
  files[0].name = "meta.json", files[0].size = 1;
  files[1].name = "vmcore", files[1].size = 10;
  files[2].name = "report.html", files[2].size = 3000;
  files[3].name = "b", files[3].size = 200;
  files[4].name = "a", files[4].size = 200;
  sort_for_sending(files);
  EXPECT_THAT(names(files), ElementsAre("a", "b", "report.html", "meta.json", "vmcore"));
}

TEST_F(DumpTest, ListsTheFilesOfADump) {
  write_file(dump / "upload-receipt.json", "{}");
  write_file(dump / "upload-receipt.json.bad", "");
  write_file(dump / ".hidden", "x");
  const auto opened = open_dump_directory(dump.string() + "///");
  ASSERT_TRUE(opened.has_value()) << opened.error().message;
  EXPECT_EQ(opened->name, "host-2026-01-31-23:59:59");
  EXPECT_THAT(names(opened->files), ElementsAre("vmcore-dmesg.txt", "meta.json", "vmcore"));
}

TEST_F(DumpTest, RefusesWhatNothingProvesAndTheDirectoryItIsIn) {
  const fs::path apart = temporary.path() / "unauthenticated";
  fs::create_directory(apart);
  fs::rename(dump, apart / "dump");
  EXPECT_THAT(refusal(apart / "dump"), HasSubstr("nothing proves"));
  EXPECT_THAT(refusal(apart / "dump/"), HasSubstr("nothing proves"));
  fs::create_symlink(apart / "dump", temporary.path() / "link");
  EXPECT_THAT(refusal(temporary.path() / "link"), HasSubstr("nothing proves"));
  EXPECT_THAT(refusal(apart), HasSubstr("not a plain file"));
  fs::rename(apart / "dump", temporary.path() / "moved-out");
  EXPECT_EQ(refusal(temporary.path() / "moved-out"), "accepted");
}

TEST_F(DumpTest, RefusesWhatIsNotFinished) {
  const fs::path incomplete = dump.string() + "-incomplete";
  fs::rename(dump, incomplete);
  EXPECT_THAT(refusal(incomplete), HasSubstr("still being written"));
  fs::rename(incomplete, dump);

  fs::rename(dump / "meta.json", temporary.path() / "meta.json");
  EXPECT_THAT(refusal(dump), HasSubstr("no meta.json"));
  fs::rename(temporary.path() / "meta.json", dump / "meta.json");

  fs::remove(dump / "vmcore");
  EXPECT_THAT(refusal(dump), HasSubstr("no vmcore"));
  write_file(dump / "dump.warmdump", "x");  // of an encrypted dump
  EXPECT_EQ(refusal(dump), "accepted");
  fs::remove(dump / "dump.warmdump");
  EXPECT_THAT(refusal(temporary.path() / "absent"), HasSubstr("No such file"));
  EXPECT_THAT(refusal(dump / "meta.json"), HasSubstr("Not a directory"));
}

TEST_F(DumpTest, RefusesLinksFifosAndSubdirectories) {
  fs::create_symlink("/etc/shadow", dump / "link");
  EXPECT_THAT(refusal(dump), HasSubstr("\"link\" in it is not a plain file"));
  fs::remove(dump / "link");
  ASSERT_EQ(mkfifo((dump / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(refusal(dump), HasSubstr("\"pipe\" in it is not a plain file"));
  fs::remove(dump / "pipe");
  fs::create_directory(dump / "more");
  EXPECT_THAT(refusal(dump), HasSubstr("\"more\" in it is not a plain file"));
}

TEST_F(DumpTest, OneUploaderAtATime) {
  const auto first = open_dump_directory(dump);
  ASSERT_TRUE(first.has_value());
  const auto second = open_dump_directory(dump);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, ErrorCode::busy);
}

TEST_F(DumpTest, HashesEveryFile) {
  write_file(dump / "meta.json", "abc");
  auto opened = open_dump_directory(dump);
  ByteCount last = 0;
  ASSERT_TRUE(hash_files(*opened, [&](ByteCount done) { last = done; }).has_value());
  EXPECT_EQ(opened->files[1].sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(last, opened->total_bytes());
}

TEST_F(DumpTest, NoticesChangedFiles) {
  const auto opened = open_dump_directory(dump);
  const DumpFile& vmcore = opened->files.back();
  ASSERT_TRUE(open_unchanged(*opened, vmcore).has_value());
  write_file(dump / "vmcore", read_file(dump / "vmcore") + "x");
  EXPECT_EQ(open_unchanged(*opened, vmcore).error().code, ErrorCode::corrupt);
  fs::remove(dump / "vmcore");
  fs::create_symlink("/etc/passwd", dump / "vmcore");
  EXPECT_FALSE(open_unchanged(*opened, vmcore).has_value());
}

}  // namespace
}  // namespace warmdump
