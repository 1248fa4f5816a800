// What the surroundings of recovery refuse, row by row: the dump is there for the next try, nothing half done
// is left in the spool, and without a dump the memory comes back whatever the spool is like.

#include <gmock/gmock.h>
#include <sys/mount.h>

#include <cerrno>

#include "common/file_device.h"
#include "common/hosted/file_lock.h"
#include "recover/recover_machine.h"
#include "tests/recover/region_fixture.h"
#include "tests/support/fake_pmem_regions.h"

namespace warmdump::test {
namespace {

using dump_format::State;
using testing::HasSubstr;

class RecoverFaultsTest : public testing::Test {
 protected:
  void SetUp() override {
    std::ofstream(regions_.disk).put('\0');
    fs::resize_file(regions_.disk, kTestRegionSize);
    regions_.region.size = kTestRegionSize;
    record_planted_boot(request_.trust.records);
    plant(State::complete);
  }
  // The same dump twice would be a replay.
  void start_over_with_records() {
    fs::remove_all(request_.trust.records.directory());
    record_planted_boot(request_.trust.records);
  }
  void plant(State state) {
    FileDevice device;
    ASSERT_TRUE(device.open(regions_.disk.c_str(), FileDevice::Access::read_write));
    plant_dump(device, state, regions_.region.start);
  }
  State state() {
    FileDevice device;
    EXPECT_TRUE(device.open(regions_.disk.c_str(), FileDevice::Access::read_only));
    return state_of(device);
  }
  Outcome<Recovery> recover() { return recover_machine(request_, regions_, extractor_, events_); }

  TemporaryDirectory temporary_{TemporaryDirectory::Place::memory};
  FakePmemRegions regions_ = [this] {
    FakePmemRegions regions;
    regions.disk = temporary_.path() / "pmem0";
    return regions;
  }();
  RecoverRequest request_{.region = "",
                          .spool = temporary_.path() / "spool",
                          .host = "host",
                          .trust = {.records = ArmRecords(temporary_.path() / "records")}};
  OneFrameExtractor extractor_;
  std::optional<FileLock> lock_;
  RecordingEvents events_;
};

TEST_F(RecoverFaultsTest, the_dump_waits_for_the_next_try) {
  struct Row {
    const char* name;
    ErrorCode code;
    const char* says;
    std::function<void()> break_it;
    std::function<void()> mend_it;
  };
  const auto file = [&] { std::ofstream(request_.spool) << "a file"; };
  const auto fail_with = [&](int system_errno) {
    return [&, system_errno] {
      extractor_.before = [system_errno] {
        return Outcome<void>(Failure::system("cannot write vmcore", system_errno));
      };
    };
  };
  const auto extractor_mended = [&] { extractor_ = {}; };
  const Row rows[] = {
      {"spool full", ErrorCode::no_space, "No space left", fail_with(ENOSPC), extractor_mended},
      {"quota", ErrorCode::no_space, "quota", fail_with(EDQUOT), extractor_mended},
      {"spool write error", ErrorCode::io, "Input/output error", fail_with(EIO), extractor_mended},
      {"read-only", ErrorCode::io, "Read-only file system", fail_with(EROFS), extractor_mended},
      {"spool vanishes", ErrorCode::not_found, "No such device", fail_with(ENODEV), extractor_mended},
      {"spool is a file", ErrorCode::invalid, "is not a directory", file,
       [&] { fs::remove(request_.spool); }},
      {"spool locked", ErrorCode::busy, "spool",
       [&] {
         fs::create_directories(request_.spool);
         lock_.emplace(std::move(*FileLock::take(request_.spool)));
       },
       [&] { lock_.reset(); }},
      {"poisoned page", ErrorCode::io, "cannot read the dump",
       [&] {
         // The header can be read, the frames cannot: what a poisoned page does to read(2).
         extractor_.identify_fails = Failure::system("read failed", EIO);
       },
       extractor_mended},
  };
  for (const Row& row : rows) {
    regions_.calls.clear();
    start_over_with_records();
    row.break_it();
    const auto failed = recover();
    ASSERT_FALSE(failed) << row.name;
    EXPECT_EQ(failed.error().code, row.code) << row.name << ": " << failed.error().message;
    EXPECT_THAT(failed.error().message, HasSubstr(row.says)) << row.name;
    EXPECT_THAT(failed.error().message, HasSubstr("the dump stays on the region")) << row.name;
    EXPECT_EQ(state(), State::complete) << row.name;
    EXPECT_THAT(regions_.calls, testing::Not(testing::Contains("convert_to_devdax"))) << row.name;
    row.mend_it();

    const auto recovered = recover();
    ASSERT_TRUE(recovered) << row.name << ": " << recovered.error().message;
    expect_one_dump(request_.spool, row.name);
    EXPECT_TRUE(recovered->returned) << row.name;
    regions_.reboot();
    fs::remove_all(request_.spool);
    plant(State::complete);
  }
}

TEST_F(RecoverFaultsTest, without_a_dump_a_broken_spool_does_not_cost_the_memory) {
  plant(State::cleared);
  std::ofstream(request_.spool) << "a file";
  const auto recovered = recover();
  ASSERT_TRUE(recovered) << recovered.error().message;
  EXPECT_EQ(recovered->dump->outcome, DumpOutcome::none);
  ASSERT_TRUE(recovered->returned);
  EXPECT_THAT(events_.steps, testing::Contains(HasSubstr("is not a directory")));
}

TEST_F(RecoverFaultsTest, a_region_that_was_moved_is_never_taken_for_one_without_a_dump) {
  plant(State::cleared);
  regions_.region.start += kGiB;
  std::ofstream(request_.spool) << "a file";
  EXPECT_FALSE(recover()) << "its header must be adapted first";
}

TEST_F(RecoverFaultsTest, a_return_that_fails_keeps_the_saved_dump_and_a_raw_disk) {
  for (const ErrorCode code : {ErrorCode::unsupported, ErrorCode::refused, ErrorCode::busy, ErrorCode::io}) {
    regions_.before = [&](const std::string& method) -> Outcome<void> {
      if (method != "make_system_ram") return {};
      return Failure(code, "kmem refuses");
    };
    const auto recovered = recover();
    ASSERT_TRUE(recovered);
    ASSERT_TRUE(recovered->return_failure);
    EXPECT_EQ(recovered->return_failure->code, code);
    EXPECT_THAT(recovered->return_failure->message, HasSubstr("ready for the next crash"));
    EXPECT_EQ(regions_.region.shape, RegionShape::raw);
    expect_one_dump(request_.spool, "refused");
    EXPECT_EQ(state(), State::cleared);
  }
}

// A file system of 64 KiB that is really full, and one that is really read-only.
TEST_F(RecoverFaultsTest, real_file_systems_that_are_full_or_read_only) {
  const fs::path place = temporary_.path() / "mount";
  fs::create_directories(place);
  if (::mount("tmpfs", place.c_str(), "tmpfs", 0, "size=64k") != 0) GTEST_SKIP() << "cannot mount here";
  request_.spool = place / "spool";
  fs::create_directories(request_.spool);
  std::ofstream(place / "filler") << std::string(1 << 20, 'x');
  const auto full = recover();
  ::mount("tmpfs", place.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, "size=1m");
  const auto read_only = recover();
  ::mount("tmpfs", place.c_str(), "tmpfs", MS_REMOUNT, "size=1m");
  const auto recovered = recover();
  if (recovered) expect_one_dump(request_.spool, "mended");
  ::umount(place.c_str());

  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, ErrorCode::no_space) << full.error().message;
  ASSERT_FALSE(read_only);
  EXPECT_THAT(read_only.error().message, HasSubstr("Read-only file system"));
  EXPECT_THAT(read_only.error().message, HasSubstr("the dump stays on the region"));
  ASSERT_TRUE(recovered) << recovered.error().message;
}

}  // namespace
}  // namespace warmdump::test
