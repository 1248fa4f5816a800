// A dump sent straight out of its region to a real destination.

#include "cli/direct_upload.h"

#include <gtest/gtest.h>

#include <fstream>

#include "common/file_device.h"
#include "recover/dump/dump_reader.h"
#include "tests/support/dump_builder.h"
#include "tests/support/temporary_directory.h"

namespace warmdump {
namespace {

class DirectUploadTest : public testing::Test {
 protected:
  DirectUploadTest() {
    std::filesystem::create_directories(small_files_);
    std::filesystem::create_directories(target_);
    std::ofstream(small_files_ / "meta.json") << "{}\n";
    std::ofstream(small_files_ / "vmcore-dmesg.txt") << "log\n";
  }
  Outcome<void> send() {
    auto upload = make_direct_upload("dir:" + target_.string(), {}, "", {});
    if (!upload) return std::move(upload.error());
    auto sent = (*upload)->forward(region_, small_files_);
    is_worth_another_try_ = (*upload)->is_worth_another_try();
    return sent;
  }

  test::TemporaryDirectory temporary_;
  std::filesystem::path small_files_ = temporary_.path() / "host-2026-01-31-23:59:59";
  std::filesystem::path target_ = temporary_.path() / "target";
  test::SmallMachine machine_ = test::make_small_machine();
  test::MemoryDevice region_ = machine_.builder.build();
  bool is_worth_another_try_ = false;
};

TEST_F(DirectUploadTest, what_arrives_is_read_like_the_region) {
  const auto sent = send();
  ASSERT_TRUE(sent) << sent.error().message;
  const std::filesystem::path arrived = std::filesystem::directory_iterator(target_)->path();
  EXPECT_TRUE(std::filesystem::exists(arrived / "manifest.json"));
  EXPECT_TRUE(std::filesystem::exists(arrived / "meta.json"));
  FileDevice image;
  ASSERT_TRUE(image.open((arrived / "dump.warmdump").c_str(), FileDevice::Access::read_only));
  const auto dump = DumpReader::open(image);
  ASSERT_TRUE(dump) << dump.error().message;
  EXPECT_FALSE(dump->damage().any());
  PageReader reader(*dump);
  for (const auto& [pfn, content] : machine_.present) {
    test::Page page;
    const auto found = reader.read(pfn, page);
    ASSERT_TRUE(found && *found) << pfn;
    EXPECT_EQ(page, content) << pfn;
  }
  EXPECT_FALSE(std::filesystem::exists(small_files_ / "dump.warmdump"));
}

TEST_F(DirectUploadTest, sent_again_it_is_there_once) {
  ASSERT_TRUE(send());
  std::filesystem::remove(small_files_ / ".upload-receipts.json");
  const auto again = send();
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(target_), {}), 1);
}

TEST_F(DirectUploadTest, a_target_that_is_not_there_is_told) {
  std::filesystem::remove_all(target_);
  const auto sent = send();
  ASSERT_FALSE(sent);
  EXPECT_NE(sent.error().message.find("target"), std::string::npos) << sent.error().message;
  EXPECT_FALSE(is_worth_another_try_);
}

}  // namespace
}  // namespace warmdump
