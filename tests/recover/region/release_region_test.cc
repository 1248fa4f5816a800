#include "recover/region/release_region.h"

#include <gmock/gmock.h>

#include <utility>

#include "common/file_device.h"
#include "recover/region/take_back_region.h"
#include "tests/recover/region_fixture.h"
#include "tests/support/fake_pmem_regions.h"

namespace warmdump::test {
namespace {

using dump_format::State;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

class ReleaseTest : public testing::Test {
 protected:
  void SetUp() override {
    std::ofstream(regions_.disk).put('\0');
    fs::resize_file(regions_.disk, kTestRegionSize);
    regions_.region.size = kTestRegionSize;
  }
  template <class Action>
  void on_disk(Action&& action) {
    FileDevice device;
    ASSERT_TRUE(device.open(regions_.disk.c_str(), FileDevice::Access::read_write));
    action(device);
  }
  void plant(State state) {
    on_disk([&](Device& device) { plant_dump(device, state, regions_.region.start); });
  }
  Outcome<RegionReturn> release() { return release_region(regions_, regions_.region, events_); }
  Outcome<RegionTakenBack> take_back() {
    return take_back_region(regions_, regions_.region, kTakeBackLimitMs, events_);
  }

  TemporaryDirectory temporary_{TemporaryDirectory::Place::memory};
  FakePmemRegions regions_ = [this] {
    FakePmemRegions regions;
    regions.disk = temporary_.path() / "pmem0";
    return regions;
  }();
  RecordingEvents events_;
};

TEST_F(ReleaseTest, a_region_without_a_dump_is_returned) {
  for (const State state : {State::empty, State::cleared}) {
    regions_.reboot();
    plant(state);
    const auto released = release();
    ASSERT_TRUE(released) << released.error().message;
    EXPECT_FALSE(released->was_returned);
    EXPECT_EQ(released->bytes, 256 * kMiB);
    EXPECT_TRUE(regions_.blocks.all_returned());
  }
}

TEST_F(ReleaseTest, a_dump_is_never_overwritten_and_the_command_is_named) {
  for (const State state : {State::writing, State::complete, State::partial, State::recovered}) {
    plant(state);
    const auto released = release();
    ASSERT_FALSE(released);
    EXPECT_EQ(released.error().code, ErrorCode::refused);
    EXPECT_THAT(released.error().message, HasSubstr("`warmdump recover --region region0`"));
    EXPECT_THAT(regions_.calls, Not(Contains("convert_to_devdax")));
    on_disk([&](const Device& device) { EXPECT_EQ(state_of(device), state); });
  }
}

TEST_F(ReleaseTest, a_region_that_nobody_has_looked_at_is_refused) {
  EXPECT_EQ(release().error().code, ErrorCode::refused) << "no header";
  plant(State::complete);
  on_disk([](Device& device) {
    const std::vector<std::byte> noise(4096, std::byte{0x5a});
    ASSERT_TRUE(device.write_at(dump_format::kHeaderOffset + 40, std::span(noise).first(16)));
    ASSERT_TRUE(device.write_at(dump_format::kHeaderCopyOffset + 40, std::span(noise).first(16)));
  });
  const auto released = release();
  ASSERT_FALSE(released);
  EXPECT_THAT(released.error().message, HasSubstr("damaged header"));
  EXPECT_THAT(regions_.calls, Not(Contains("convert_to_devdax")));
}

TEST_F(ReleaseTest, there_and_back_keeps_the_header) {
  plant(State::cleared);
  ASSERT_TRUE(release());
  const auto again = release();
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->was_returned);

  const auto taken = take_back();
  ASSERT_TRUE(taken) << taken.error().message;
  EXPECT_EQ(taken->blocks, 2);
  EXPECT_EQ(taken->disk, regions_.disk);
  EXPECT_EQ(taken->memory_total_before - taken->memory_total_after, 256 * kMiB);
  on_disk([](const Device& device) { EXPECT_EQ(state_of(device), State::cleared); });
  const auto nothing = take_back();
  ASSERT_TRUE(nothing);
  EXPECT_TRUE(nothing->was_raw);
}

TEST_F(ReleaseTest, memory_that_cannot_be_emptied_stays_memory) {
  plant(State::cleared);
  ASSERT_TRUE(release());
  regions_.before = [](const std::string& method) -> Outcome<void> {
    if (method != "leave_system_ram") return {};
    return Failure(ErrorCode::timed_out, "memory37 cannot be taken offline within 30 s");
  };
  const auto taken = take_back();
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, ErrorCode::timed_out);
  EXPECT_THAT(taken.error().message, HasSubstr("region0: memory37"));
  EXPECT_TRUE(regions_.blocks.all_returned());
}

// What kmem and everything before it may refuse: each leaves a raw disk with its header.
TEST_F(ReleaseTest, a_refusal_at_any_step_leaves_a_raw_disk) {
  struct Row {
    const char* method;
    Failure failure;
  };
  const Row rows[] = {
      {"check_returnable", {ErrorCode::unsupported, "no NUMA node covers it"}},
      {"convert_to_devdax", {ErrorCode::unsupported, "cannot make devdax devices"}},
      {"make_system_ram", {ErrorCode::unsupported, "no driver kmem"}},
      {"make_system_ram", {ErrorCode::refused, "cannot switch off memmap_on_memory"}},
      {"make_system_ram", {ErrorCode::busy, "another driver takes the DAX device"}},
      {"online_movable", {ErrorCode::refused, "memory36 is online in zone Normal"}},
      {"memory_blocks", {ErrorCode::io, "cannot count memory blocks"}},
  };
  for (const Row& row : rows) {
    regions_.reboot();
    plant(State::cleared);
    bool struck = false;
    regions_.before = [&](const std::string& method) -> Outcome<void> {
      if (method != row.method || std::exchange(struck, true)) return {};
      return row.failure;
    };
    const auto released = release();
    ASSERT_FALSE(released) << row.method;
    EXPECT_EQ(released.error().code, row.failure.code);
    EXPECT_THAT(released.error().message, HasSubstr(row.failure.message));
    EXPECT_EQ(regions_.region.shape, RegionShape::raw) << row.method;
    EXPECT_EQ(regions_.blocks.online, 0) << row.method;
    on_disk([](const Device& device) { EXPECT_EQ(state_of(device), State::cleared); });
    EXPECT_TRUE(release()) << "the next try after " << row.method;
  }
}

TEST_F(ReleaseTest, what_cannot_be_undone_is_said) {
  plant(State::cleared);
  regions_.online_becomes_movable = false;
  regions_.before = [](const std::string& method) -> Outcome<void> {
    if (method != "leave_system_ram") return {};
    return Failure(ErrorCode::busy, "memory36 is online in zone Normal and cannot be taken offline");
  };
  const auto released = release();
  ASSERT_FALSE(released);
  EXPECT_EQ(released.error().code, ErrorCode::refused);
  EXPECT_THAT(released.error().message, HasSubstr("not all of them Movable"));
  EXPECT_THAT(released.error().message, HasSubstr("could not be undone: cannot take back region0: memory36"));
}

}  // namespace
}  // namespace warmdump::test
