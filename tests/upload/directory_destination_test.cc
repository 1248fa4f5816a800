#include "upload/destination/directory_destination.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "common/hosted/sha256.h"
#include "common/hosted/unique_fd.h"
#include "tests/upload/dump_fixture.h"
#include "tests/upload/memory_state_files.h"
#include "upload/queue/upload.h"

namespace warmdump {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
namespace fs = std::filesystem;

class DirectoryDestinationTest : public DumpTest {
 protected:
  DirectoryDestinationTest() { fs::create_directory(sink); }

  SendOutcome<UploadReport> upload(bool again = false) {
    auto destination = make_destination("dir:" + sink.string(), {});
    if (!destination.has_value()) return SendFailure(std::move(destination.error()));
    UploadOptions options;
    options.again = again;
    options.state = &state;
    return upload_dump(dump, **destination, options, progress, clock);
  }

  // One object by hand.
  std::unique_ptr<Destination> destination() const {
    return std::move(*make_destination("dir:" + sink.string(), {}));
  }
  ObjectToSend object(const std::string& key, const ByteSource& bytes, const std::string& promised) const {
    const ByteCount size = promised.size();
    return {key, &bytes, size, *sha256_text(promised), "text/plain"};
  }
  static SendOutcome<ObjectReceipt> send(Destination& to, const ObjectToSend& object) {
    TransferSession session;
    const auto standing = TRY(to.open(object, session));
    if (standing.complete) return *standing.complete;
    for (const auto& piece : standing.missing) TRY(to.send(object, session, piece, [](ByteCount) {}));
    return to.finish(object, session);
  }

  // The one dump that is there.
  std::string key() const { return fs::directory_iterator(sink)->path().filename(); }

  const fs::path sink = temporary.path() / "sink";
  MemoryStateFiles state;
  RecordedProgress progress;
  VirtualClock clock;
};

TEST_F(DirectoryDestinationTest, CopiesADump) {
  make_vmcore(9 * 1024 * 1024 + 17);
  const auto report = upload();
  ASSERT_TRUE(report.has_value()) << report.error().failure.message;
  EXPECT_EQ(report->result, UploadResult::sent);
  const std::string key = report->key;
  EXPECT_THAT(listing(sink), ElementsAre(key, key + "/manifest-report.json", key + "/manifest.json",
                                         key + "/meta.json", key + "/vmcore", key + "/vmcore-dmesg.txt"));
  for (const char* file : {"vmcore", "vmcore-dmesg.txt", "meta.json"}) {
    EXPECT_TRUE(same_bytes(dump / file, sink / key / file)) << file;
  }
  EXPECT_EQ(progress.done, progress.total);
  EXPECT_EQ(fs::status(sink / key).permissions(), fs::perms::owner_all);
}

TEST_F(DirectoryDestinationTest, SecondRunIsDoneAlready) {
  ASSERT_TRUE(upload().has_value());
  EXPECT_EQ(upload()->result, UploadResult::receipt_found);
  EXPECT_EQ(upload(true)->result, UploadResult::already_there);
  state = MemoryStateFiles();
  EXPECT_EQ(upload()->result, UploadResult::already_there);
  EXPECT_EQ(upload()->result, UploadResult::receipt_found);
}

TEST_F(DirectoryDestinationTest, SomethingElseOfThatNameIsAnError) {
  ASSERT_TRUE(upload().has_value());
  write_file(sink / key() / "vmcore", "KDUMP   and other pages!!!");
  const auto report = upload(true);
  ASSERT_FALSE(report.has_value());
  EXPECT_EQ(report.error().failure.code, ErrorCode::refused);
  EXPECT_THAT(report.error().failure.message, HasSubstr("holds something else"));
  EXPECT_EQ(read_file(sink / key() / "vmcore"), "KDUMP   and other pages!!!");
}

TEST_F(DirectoryDestinationTest, WhatAKilledRunLeftIsReplaced) {
  ASSERT_TRUE(upload().has_value());
  fs::rename(sink / key() / "vmcore", sink / key() / ".vmcore.partial");
  write_file(sink / key() / ".vmcore.partial", std::string(1'000'000, 'x'));
  ASSERT_TRUE(upload(true).has_value());
  EXPECT_TRUE(same_bytes(dump / "vmcore", sink / key() / "vmcore"));
  EXPECT_FALSE(fs::exists(sink / key() / ".vmcore.partial"));
}

TEST_F(DirectoryDestinationTest, MissingTargetIsNotCreated) {
  fs::remove(sink);
  const auto report = upload();
  ASSERT_FALSE(report.has_value());
  EXPECT_THAT(report.error().failure.message, HasSubstr("No such file or directory"));
}

TEST_F(DirectoryDestinationTest, FileSizeLimitLeavesNoPartOfAFile) {
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
  EXPECT_FALSE(fs::exists(sink / key() / "vmcore"));
  EXPECT_FALSE(fs::exists(sink / key() / ".vmcore.partial"));
  EXPECT_FALSE(fs::exists(dump / "upload-receipt.json"));
}

TEST_F(DirectoryDestinationTest, what_is_not_what_was_hashed_is_not_published) {
  const TextSource bytes("other bytes");
  const auto sent = send(*destination(), object("a/b", bytes, "these bytes"));
  ASSERT_FALSE(sent.has_value());
  EXPECT_EQ(sent.error().remedy, Remedy::change_source);
  EXPECT_THAT(sent.error().failure.message, HasSubstr("changed since it was hashed"));
  EXPECT_THAT(listing(sink), ElementsAre("a"));
}

TEST_F(DirectoryDestinationTest, a_source_that_ends_early_is_not_published) {
  const TextSource bytes("short");
  const auto sent = send(*destination(), object("a", bytes, "not so short"));
  ASSERT_FALSE(sent.has_value());
  EXPECT_THAT(sent.error().failure.message, HasSubstr("ends early, at offset 0x5"));
  EXPECT_THAT(listing(sink), testing::IsEmpty());
}

// As after a rename on a share whose answer was lost, or a kill between the rename and the record of it.
TEST_F(DirectoryDestinationTest, finish_of_what_is_finished_is_no_error) {
  const TextSource bytes("bytes");
  const auto to = destination();
  const auto the_object = object("a/b", bytes, "bytes");
  ASSERT_TRUE(send(*to, the_object).has_value());
  EXPECT_TRUE(to->finish(the_object, {}).has_value());
  write_file(sink / "a" / "b", "BYTES");
  const auto other = to->finish(the_object, {});
  ASSERT_FALSE(other.has_value());
  EXPECT_EQ(other.error().remedy, Remedy::give_dump_up);
  fs::remove(sink / "a" / "b");
  EXPECT_THAT(to->finish(the_object, {}).error().failure.message, HasSubstr("cannot rename"));
}

TEST_F(DirectoryDestinationTest, keys_and_links_cannot_lead_out) {
  const TextSource bytes("bytes");
  for (const char* key : {"", "..", "../x", "a/../x", "a//x", "/x", "a/", "a/.x", ".x"}) {
    const auto sent = send(*destination(), object(key, bytes, "bytes"));
    ASSERT_FALSE(sent.has_value()) << key;
    EXPECT_EQ(sent.error().failure.code, ErrorCode::invalid) << key;
  }
  fs::create_directory(temporary.path() / "outside");
  fs::create_directory_symlink(temporary.path() / "outside", sink / "link");
  EXPECT_FALSE(send(*destination(), object("link/x", bytes, "bytes")).has_value());
  fs::create_symlink(temporary.path() / "outside" / "x", sink / "x");
  EXPECT_FALSE(send(*destination(), object("x", bytes, "bytes")).has_value());
  fs::create_symlink(temporary.path() / "outside" / "x", sink / ".y.partial");
  EXPECT_FALSE(send(*destination(), object("y", bytes, "bytes")).has_value());
  EXPECT_THAT(listing(temporary.path() / "outside"), testing::IsEmpty());
}

TEST_F(DirectoryDestinationTest, what_is_wanted_lies_beside_the_manifest) {
  fs::create_directories(sink / "lab" / "dump-1");
  EXPECT_EQ(*destination()->asked_for("lab/dump-1"), std::nullopt);
  write_file(sink / "lab" / "dump-1" / "want", "later\n");
  EXPECT_EQ(*destination()->asked_for("lab/dump-1"), Destination::Want::later);
}

TEST_F(DirectoryDestinationTest, two_uploads_of_one_object_do_not_mix) {
  const TextSource bytes("bytes");
  const UniqueFd other(open((sink / ".a.partial").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  ASSERT_EQ(flock(other.get(), LOCK_EX), 0);
  const auto sent = send(*destination(), object("a", bytes, "bytes"));
  ASSERT_FALSE(sent.has_value());
  EXPECT_EQ(sent.error().failure.code, ErrorCode::busy);
  EXPECT_EQ(sent.error().remedy, Remedy::wait);
}

int upload_to_read_only_tmpfs(const fs::path& sink,
                              const std::function<SendOutcome<UploadReport>()>& upload) {
  if (unshare(CLONE_NEWNS) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return 77;
  if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return 77;
  if (mount("tmpfs", sink.c_str(), "tmpfs", MS_RDONLY, "size=1m") != 0) return 77;
  const auto report = upload();
  if (report.has_value()) return 1;
  return report.error().remedy == Remedy::change_sink && report.error().failure.system_errno == EROFS ? 0 : 2;
}

TEST_F(DirectoryDestinationTest, a_read_only_target_needs_somebody) {
  const pid_t child = fork();
  if (child == 0) _exit(upload_to_read_only_tmpfs(sink, [&] { return upload(); }));
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 77)
    GTEST_SKIP() << "no right to mount a tmpfs: a read-only target was not tried";
  EXPECT_EQ(WEXITSTATUS(status), 0) << "1: succeeded, 2: another failure";
}

// In a child with its own mounts: 0 as expected, 77 when this system does not allow a tmpfs, else a failure.
int upload_to_full_tmpfs(const fs::path& sink, const std::function<SendOutcome<UploadReport>()>& upload) {
  if (unshare(CLONE_NEWNS) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return 77;
  if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return 77;
  if (mount("tmpfs", sink.c_str(), "tmpfs", 0, "size=1m") != 0) return 77;
  const auto report = upload();
  if (report.has_value()) return 1;
  if (report.error().failure.code != ErrorCode::no_space) return 2;
  const fs::path key = fs::directory_iterator(sink)->path();
  return fs::exists(key / "vmcore") || fs::exists(key / ".vmcore.partial") ? 3 : 0;
}

TEST_F(DirectoryDestinationTest, FullDiskLeavesNoPartOfAFile) {
  make_vmcore(2 * 1024 * 1024);
  const pid_t child = fork();
  if (child == 0) _exit(upload_to_full_tmpfs(sink, [&] { return upload(); }));
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 77) GTEST_SKIP() << "no right to mount a tmpfs: a full disk was not tried";
  EXPECT_EQ(WEXITSTATUS(status), 0) << "1: succeeded, 2: not reported as no space, 3: part of a file is left";
}

}  // namespace
}  // namespace warmdump
