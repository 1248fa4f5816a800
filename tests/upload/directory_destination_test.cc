#include "upload/directory_destination.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "tests/upload/dump_fixture.h"
#include "upload/upload.h"

namespace warmdump {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
namespace fs = std::filesystem;

class DirectoryDestinationTest : public DumpTest {
 protected:
  DirectoryDestinationTest() { fs::create_directory(sink); }

  SendOutcome<UploadReport> upload(bool again = false) {
    auto destination = make_destination("dir:" + sink.string(), {});
    if (!destination.has_value()) return SendFailure(std::move(destination.error()));
    UploadOptions options;
    options.again = again;
    return upload_dump(dump, **destination, options, progress, clock);
  }

  const fs::path sink = temporary.path() / "sink";
  const std::string name = dump.filename();
  RecordedProgress progress;
  VirtualClock clock;
};

TEST_F(DirectoryDestinationTest, CopiesADump) {
  make_vmcore(9 * 1024 * 1024 + 17);
  const auto report = upload();
  ASSERT_TRUE(report.has_value()) << report.error().failure.message;
  EXPECT_EQ(report->result, UploadResult::sent);
  EXPECT_THAT(listing(sink),
              ElementsAre(name, name + "/meta.json", name + "/vmcore", name + "/vmcore-dmesg.txt"));
  for (const char* file : {"vmcore", "vmcore-dmesg.txt", "meta.json"}) {
    EXPECT_TRUE(same_bytes(dump / file, sink / name / file)) << file;
  }
  EXPECT_EQ(progress.done, progress.total);
  EXPECT_EQ(fs::status(sink / name).permissions(), fs::perms::owner_all);
}

TEST_F(DirectoryDestinationTest, SecondRunIsDoneAlready) {
  ASSERT_TRUE(upload().has_value());
  EXPECT_EQ(upload()->result, UploadResult::receipt_found);
  EXPECT_EQ(upload(true)->result, UploadResult::already_there);
  fs::remove(dump / "upload-receipt.json");
  EXPECT_EQ(upload()->result, UploadResult::already_there);
  EXPECT_TRUE(fs::exists(dump / "upload-receipt.json"));
}

TEST_F(DirectoryDestinationTest, SomethingElseOfThatNameIsAnError) {
  ASSERT_TRUE(upload().has_value());
  write_file(sink / name / "vmcore", "KDUMP   and other pages!!!");
  const auto report = upload(true);
  ASSERT_FALSE(report.has_value());
  EXPECT_EQ(report.error().failure.code, ErrorCode::refused);
  EXPECT_THAT(report.error().failure.message, HasSubstr("holds something else"));
  EXPECT_EQ(read_file(sink / name / "vmcore"), "KDUMP   and other pages!!!");
}

TEST_F(DirectoryDestinationTest, WhatAKilledRunLeftIsReplaced) {
  fs::create_directory(sink / ("." + name + ".partial"));
  write_file(sink / ("." + name + ".partial") / "stale", "x");
  ASSERT_TRUE(upload().has_value());
  EXPECT_THAT(listing(sink),
              ElementsAre(name, name + "/meta.json", name + "/vmcore", name + "/vmcore-dmesg.txt"));
}

TEST_F(DirectoryDestinationTest, MissingTargetIsNotCreated) {
  fs::remove(sink);
  const auto report = upload();
  ASSERT_FALSE(report.has_value());
  EXPECT_THAT(report.error().failure.message, HasSubstr("No such file or directory"));
}

TEST_F(DirectoryDestinationTest, FileSizeLimitLeavesNothing) {
  make_vmcore(2 * 1024 * 1024);
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit low{1024 * 1024, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &low);
  const auto report = upload();
  setrlimit(RLIMIT_FSIZE, &before);
  ASSERT_FALSE(report.has_value());
  EXPECT_THAT(report.error().failure.message, HasSubstr("File too large"));
  EXPECT_THAT(listing(sink), IsEmpty());
  EXPECT_FALSE(fs::exists(dump / "upload-receipt.json"));
}

// In a child with its own mounts: 0 as expected, 77 when this system does not allow a tmpfs, else a failure.
int upload_to_full_tmpfs(const fs::path& sink, const std::function<SendOutcome<UploadReport>()>& upload) {
  if (unshare(CLONE_NEWNS) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return 77;
  if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return 77;
  if (mount("tmpfs", sink.c_str(), "tmpfs", 0, "size=1m") != 0) return 77;
  const auto report = upload();
  if (report.has_value()) return 1;
  if (report.error().failure.code != ErrorCode::no_space) return 2;
  return listing(sink).empty() ? 0 : 3;
}

TEST_F(DirectoryDestinationTest, FullDiskLeavesNothing) {
  make_vmcore(2 * 1024 * 1024);
  const pid_t child = fork();
  if (child == 0) _exit(upload_to_full_tmpfs(sink, [&] { return upload(); }));
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 77) GTEST_SKIP() << "no right to mount a tmpfs: a full disk was not tried";
  EXPECT_EQ(WEXITSTATUS(status), 0) << "1: succeeded, 2: not reported as no space, 3: files left behind";
}

}  // namespace
}  // namespace warmdump
