#include "recover/spool/spool_keeper.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/hosted/file_lock.h"
#include "tests/recover/kill_at_syscall.h"
#include "tests/recover/region_fixture.h"

namespace warmdump::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class SpoolKeeperTest : public testing::Test {
 protected:
  fs::path make_dump(const std::string& name, const std::string& signature, int sequence,
                     const std::string& meta_more = "") {
    const fs::path directory = spool_ / name;
    fs::create_directories(directory);
    std::ofstream(directory / "vmcore") << std::string(8192, 'v');
    std::ofstream(directory / "meta.json") << R"({"schema": 1, "panic_text": ")" << signature
                                           << R"(", "crash_time": 1700000000)" << meta_more << "}";
    std::ofstream(directory / kDumpIdFile) << name << "\n" << sequence << "\n";
    return directory;
  }
  SpoolKeeper keeper(RetentionLimits limits) {
    return SpoolKeeper(spool_, limits, "", [this](const fs::path&) { return Outcome<ByteCount>(free_); });
  }

  TemporaryDirectory temporary_{TemporaryDirectory::Place::memory};
  const fs::path spool_ = temporary_.path() / "spool";
  ByteCount free_ = 0;
};

TEST_F(SpoolKeeperTest, DumpsAreListedInTheOrderInWhichTheyCame) {
  make_dump("c", "x", 1);
  make_dump("a", "x", 3, R"(, "signature": "kernel-x-12345678", "capture_info": {"boot_id": "b-1"})");
  make_dump("b", "x", 2);
  const auto dumps = list_saved_dumps(spool_);
  ASSERT_TRUE(dumps);
  ASSERT_THAT(*dumps, SizeIs(3));
  EXPECT_EQ((*dumps)[0].id, "c");
  EXPECT_EQ((*dumps)[1].signature, "x");
  EXPECT_EQ((*dumps)[2].signature, "kernel-x-12345678");
  EXPECT_EQ((*dumps)[2].boot_id, "b-1");
  EXPECT_EQ((*dumps)[2].panic_text, "x");
  EXPECT_GE((*dumps)[2].bytes, 8192U);
  EXPECT_EQ(next_dump_sequence(spool_), 4U);
}

TEST_F(SpoolKeeperTest, LimitsAreEnforced) {
  for (int i = 1; i <= 5; ++i) make_dump("d" + std::to_string(i), "x", i);
  const auto report = keeper({.dumps = 3}).enforce();
  ASSERT_TRUE(report);
  EXPECT_THAT(report->removed, ElementsAre(spool_ / "d2", spool_ / "d3"));
  EXPECT_EQ(report->unmet, "");
  EXPECT_THAT(names_in(spool_), ElementsAre("d1", "d4", "d5"));
  EXPECT_THAT(keeper({.dumps = 3}).enforce()->removed, IsEmpty());
}

TEST_F(SpoolKeeperTest, WhatIsNoDumpOfOursIsLeftAlone) {
  make_dump("a", "x", 1);
  make_dump("b", "x", 2);
  make_dump("c-incomplete", "x", 3);
  const fs::path elsewhere = temporary_.path() / "elsewhere";
  fs::create_directories(elsewhere);
  std::ofstream(elsewhere / "file") << "mine";
  fs::create_directory_symlink(elsewhere, spool_ / "link");
  fs::create_directory_symlink(elsewhere, spool_ / "b" / "inner-link");
  fs::create_directories(spool_ / "202401010000");
  std::ofstream(spool_ / "202401010000" / "meta.json") << "{}";
  std::ofstream(spool_ / "_usr_bin_app.crash") << "apport";
  fs::create_directories(spool_ / "theirs-removing");
  std::ofstream(spool_ / "theirs-removing" / "file") << "x";
  fs::create_directories(spool_ / "fifo");
  std::ofstream(spool_ / "fifo" / kDumpIdFile) << "f\n";
  ASSERT_EQ(::mkfifo((spool_ / "fifo" / "meta.json").c_str(), 0600), 0);
  std::ofstream(spool_ / "a" / kDumpIdFile) << "a\n9\n";  // a is the newest, b may go

  const auto report = keeper({.dumps = 1}).enforce();
  ASSERT_TRUE(report);
  EXPECT_THAT(report->removed, ElementsAre(spool_ / "b"));
  EXPECT_THAT(names_in(spool_), ElementsAre("202401010000", "_usr_bin_app.crash", "a", "c-incomplete", "fifo",
                                            "link", "theirs-removing"));
  EXPECT_EQ(content_of(elsewhere / "file"), "mine");
}

TEST_F(SpoolKeeperTest, ADumpThatIsBeingUploadedStays) {
  const fs::path locked = make_dump("a", "x", 1);
  make_dump("b", "x", 2);
  const auto lock = FileLock::take(locked);
  ASSERT_TRUE(lock);
  const auto report = keeper({.dumps = 1}).enforce();
  ASSERT_TRUE(report);
  EXPECT_THAT(report->removed, IsEmpty());
  EXPECT_THAT(report->unmet, HasSubstr("2 dumps are kept, 1 are permitted"));
}

TEST_F(SpoolKeeperTest, AnInterruptedDeletionIsFinished) {
  make_dump("a", "x", 1);
  fs::create_directories(spool_ / "b-removing");
  std::ofstream(spool_ / "b-removing" / kDumpIdFile) << "b\n";
  std::ofstream(spool_ / "b-removing" / "vmcore") << "half";
  fs::create_directories(spool_ / "c-removing");
  ASSERT_TRUE(keeper({}).enforce());
  EXPECT_THAT(names_in(spool_), ElementsAre("a"));
}

TEST_F(SpoolKeeperTest, OnAFullDiskWithoutLimitsOnlySuperfluousDumpsGo) {
  for (int i = 1; i <= 3; ++i) make_dump("d" + std::to_string(i), "x", i);
  const auto report = keeper({}).make_room_on_full_disk(kGiB);
  ASSERT_TRUE(report);
  EXPECT_THAT(names_in(spool_), ElementsAre("d1", "d3"));
}

TEST_F(SpoolKeeperTest, RoomIsMadeForADumpToCome) {
  for (int i = 1; i <= 3; ++i) make_dump("d" + std::to_string(i), "x", i);
  free_ = 20 * kKiB;  // a dump of this test takes 16 to 20 KiB
  const auto report = keeper({.free = 16 * kKiB}).make_room(16 * kKiB);
  ASSERT_TRUE(report);
  EXPECT_FALSE(fs::exists(spool_ / "d2"));
}

// Killed at any system call: every dump is there as a whole or not at all, and the next run ends the work.
TEST_F(SpoolKeeperTest, KilledAtEverySystemCall) {
  for (int stop = 1;; ++stop) {
    std::error_code ignored;
    fs::remove_all(spool_, ignored);
    for (int i = 1; i <= 4; ++i) make_dump("d" + std::to_string(i), "x", i);
    const KillResult result = run_killed_at_syscall(stop, [&] { (void)keeper({.dumps = 2}).enforce(); });
    if (result == KillResult::cannot_trace) GTEST_SKIP() << "ptrace(2) is not allowed here";
    for (const std::string& name : names_in(spool_)) {
      if (!name.ends_with(kRemovingSuffix)) {
        ASSERT_TRUE(fs::exists(spool_ / name / "vmcore")) << stop;
        ASSERT_TRUE(fs::exists(spool_ / name / kDumpIdFile)) << stop;
      }
    }
    ASSERT_TRUE(keeper({.dumps = 2}).enforce()) << stop;
    ASSERT_THAT(names_in(spool_), ElementsAre("d1", "d4")) << stop;
    if (result == KillResult::finished) break;
  }
}

TEST_F(SpoolKeeperTest, AFullDiskIsTriedOnceMoreAfterRoomWasMade) {
  for (int i = 1; i <= 3; ++i) make_dump("d" + std::to_string(i), "x", i);
  MemoryRegion region;
  plant_dump(region, dump_format::State::complete);
  OneFrameExtractor extractor;
  extractor.before = [&]() -> Outcome<void> {
    if (fs::exists(spool_ / "d2")) return Failure::system("cannot write vmcore", ENOSPC);
    return {};
  };
  RecordingEvents events;
  auto spool = Spool::open(spool_, "host");
  ASSERT_TRUE(spool);
  const SpoolKeeper the_keeper = keeper({});
  const auto recovered =
      recover_region(region, 0, *spool, extractor, events, {.is_own_region = false}, {.keeper = &the_keeper});
  ASSERT_TRUE(recovered) << recovered.error().message;
  EXPECT_EQ(recovered->outcome, DumpOutcome::extracted);
  EXPECT_EQ(extractor.extractions, 2);
  EXPECT_THAT(names_in(spool_), ElementsAre("d1", "d3", "host-2023-11-14-22:13:20"));
  EXPECT_EQ(read_saved_dump(recovered->directory)->sequence, 4U);
}

}  // namespace
}  // namespace warmdump::test
