// The retention test over resets: what each recovery does for it, and what a dump, a moved region or lost
// notes make of it. In the end the region is always returned, and a dump always saved.

#include "selftest/retention/retention_test.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "common/file_device.h"
#include "tests/recover/region_fixture.h"
#include "tests/support/fake_pmem_regions.h"

namespace warmdump::test {
namespace {

using dump_format::State;
using testing::HasSubstr;

class RetentionTest : public testing::Test {
 protected:
  void SetUp() override {
    std::ofstream(regions_.disk).put('\0');
    fs::resize_file(regions_.disk, kRegionSize);
    regions_.region.size = kRegionSize;
    write("/sys/class/dmi/id/bios_vendor", "Phoenix");
    write("/sys/class/dmi/id/bios_version", "7.1 ");
    write("/sys/kernel/reboot/mode", "cold");
    boot("one");
  }

  void write(const std::string& path, const std::string& text) {
    const fs::path file = root_ + path;
    fs::create_directories(file.parent_path());
    std::ofstream(file) << text << '\n';
  }
  void boot(const std::string& id) {
    regions_.reboot();
    write("/proc/sys/kernel/random/boot_id", id);
  }
  void change(const std::function<void(Device&)>& action) {
    FileDevice device;
    ASSERT_TRUE(device.open(regions_.disk.c_str(), FileDevice::Access::read_write));
    action(device);
  }

  Outcome<RetentionRecord> begin() {
    return begin_retention_test("", false, regions_, files_, state_, events_);
  }
  RecoveryWithTest recover(bool return_to_system = true) {
    RecoverRequest request{.region = "",
                           .spool = temporary_.path() / "spool",
                           .host = "host",
                           .return_to_system = return_to_system};
    auto done = recover_with_retention_test(request, regions_, extractor_, files_, state_, events_);
    EXPECT_TRUE(done) << done.error().message;
    return std::move(*done);
  }
  bool is_returned() const {
    return regions_.region.shape == RegionShape::system_ram && regions_.blocks.online > 0;
  }
  bool is_under_way() { return load_retention_record(state_).value().has_value(); }

  // The test is over, with this verdict; the region is given back.
  void expect_end(const RecoveryWithTest& done, const std::string& verdict) {
    ASSERT_TRUE(done.retention && done.retention->result);
    EXPECT_FALSE(done.retention->failure) << done.retention->failure->message;
    EXPECT_TRUE(is_returned());
    EXPECT_TRUE(done.recovery.returned);
    EXPECT_FALSE(is_under_way());
    const auto stored = state_.load_result("retention");
    ASSERT_TRUE(stored && *stored);
    EXPECT_EQ((*stored)->at("verdict"), verdict);
    EXPECT_FALSE(retention_text(**stored).empty());
  }

  static constexpr ByteCount kRegionSize = 8 * kMiB;
  TemporaryDirectory temporary_{TemporaryDirectory::Place::memory};
  std::string root_ = temporary_.file("machine");
  MachineFiles files_{root_};
  StateDirectory state_{temporary_.path() / "state" / "warmdump"};
  FakePmemRegions regions_ = [this] {
    FakePmemRegions regions;
    regions.disk = temporary_.path() / "pmem0";
    return regions;
  }();
  OneFrameExtractor extractor_;
  RecordingEvents events_;
};

TEST_F(RetentionTest, OfARawRegionTakesOneReset) {
  recover(false);
  const auto record = begin();
  ASSERT_TRUE(record) << record.error().message;
  EXPECT_EQ(record->stage, RetentionStage::written);
  boot("two");
  const RecoveryWithTest done = recover();
  expect_end(done, "retained");
  EXPECT_TRUE(done.retention->result->is_retained());
  EXPECT_TRUE(done.retention->result->is_header_retained);
  const auto json = as_json(*done.retention->result);
  EXPECT_EQ(json["machine"]["firmware_vendor"], "Phoenix");
  EXPECT_EQ(json["machine"]["firmware_version"], "7.1");
  EXPECT_EQ(json["reset"]["reset_mode"], "cold");
  EXPECT_EQ(json["region"]["size"], kRegionSize);
  change([](Device& region) {  // nothing of the pattern goes to programs
    std::vector<std::byte> page(kPageSize);
    ASSERT_TRUE(region.read_at(4 * kMiB, page));
    EXPECT_TRUE(std::ranges::all_of(page, [](std::byte byte) { return byte == std::byte{0}; }));
  });
}

TEST_F(RetentionTest, OfMemoryInUseTakesTwo) {
  recover();
  ASSERT_TRUE(is_returned());
  const auto record = begin();
  ASSERT_TRUE(record) << record.error().message;
  EXPECT_EQ(record->stage, RetentionStage::requested);
  EXPECT_TRUE(recover().recovery.returned) << "recovery again in the same boot changes nothing";
  EXPECT_TRUE(is_under_way());

  boot("two");
  RecoveryWithTest done = recover();
  ASSERT_TRUE(done.retention && done.retention->written);
  EXPECT_FALSE(done.retention->wants_reset());
  EXPECT_FALSE(is_returned()) << "it would be overwritten";
  done = recover();
  ASSERT_TRUE(done.retention && done.retention->written);
  EXPECT_TRUE(done.retention->written_before);
  EXPECT_FALSE(is_returned());

  boot("three");
  expect_end(recover(), "retained");
  boot("four");
  EXPECT_FALSE(recover().retention);
}

TEST_F(RetentionTest, WantsOneResetOnlyWhenItIsToGoOnByItself) {
  recover();
  ASSERT_TRUE(begin_retention_test("", true, regions_, files_, state_, events_));
  boot("two");
  EXPECT_TRUE(recover().retention->wants_reset());
  EXPECT_FALSE(recover().retention->wants_reset()) << "a reset that did not happen is not tried for ever";
  boot("three");
  expect_end(recover(), "retained");
}

TEST_F(RetentionTest, NamesTheResetThatWasAskedFor) {
  recover(false);
  ASSERT_TRUE(begin());
  write("/sys/kernel/reboot/mode", "warm");
  ASSERT_TRUE(note_reset(files_, state_));
  boot("two");
  EXPECT_EQ(as_json(*recover().retention->result)["reset"]["reset_mode"], "warm");
}

TEST_F(RetentionTest, FindsWhatWasLost) {
  recover(false);
  ASSERT_TRUE(begin());
  change([](Device& region) { ASSERT_TRUE(region.write_at(4 * kMiB, std::vector<std::byte>(2 * kMiB))); });
  boot("two");
  const RecoveryWithTest done = recover();
  expect_end(done, "partly");
  EXPECT_EQ(done.retention->result->findings.count(PageFate::cleared), 512U);
}

TEST_F(RetentionTest, FindsMemoryThatWasCleared) {
  recover(false);
  ASSERT_TRUE(begin());
  change([](Device& region) { ASSERT_TRUE(region.write_at(0, std::vector<std::byte>(region.size()))); });
  boot("two");
  const RecoveryWithTest done = recover();
  expect_end(done, "lost");
  EXPECT_FALSE(done.retention->result->is_header_retained);
}

TEST_F(RetentionTest, ADumpInBetweenSpoilsItAndIsSaved) {
  recover(false);
  ASSERT_TRUE(begin());
  change([this](Device& region) { plant_dump(region, State::complete, regions_.region.start); });
  boot("two");
  const RecoveryWithTest done = recover();
  expect_end(done, "spoiled");
  EXPECT_THAT(done.retention->result->spoiled, HasSubstr("crashed"));
  EXPECT_EQ(done.recovery.dump->outcome, DumpOutcome::extracted);
  expect_one_dump(temporary_.path() / "spool", "a dump between pattern and verdict");
}

TEST_F(RetentionTest, ADumpBeforeThePatternIsSavedFirst) {
  recover();
  ASSERT_TRUE(begin());
  change([this](Device& region) { plant_dump(region, State::complete, regions_.region.start); });
  boot("two");
  ASSERT_TRUE(recover().retention->written);
  expect_one_dump(temporary_.path() / "spool", "a dump before the pattern");
  boot("three");
  expect_end(recover(), "retained");
}

TEST_F(RetentionTest, DoesNotBeginOverADump) {
  for (const State state : {State::writing, State::complete, State::partial, State::recovered}) {
    change([&](Device& region) { plant_dump(region, state, regions_.region.start); });
    const auto record = begin();
    ASSERT_FALSE(record);
    EXPECT_EQ(record.error().code, ErrorCode::busy);
    EXPECT_FALSE(is_under_way());
    change([&](Device& region) { EXPECT_EQ(state_of(region), state); });
  }
}

TEST_F(RetentionTest, DoesNotBeginOnAnUnpreparedRegionOrTwice) {
  EXPECT_EQ(begin().error().code, ErrorCode::refused);
  recover(false);
  ASSERT_TRUE(begin());
  EXPECT_EQ(begin().error().code, ErrorCode::busy);
}

TEST_F(RetentionTest, ARegionThatMovedSpoilsIt) {
  recover(false);
  ASSERT_TRUE(begin());
  regions_.region.start += 2 * kMiB;
  boot("two");
  expect_end(recover(), "spoiled");
}

TEST_F(RetentionTest, ARegionGivenBackUnseenSpoilsIt) {
  recover(false);
  ASSERT_TRUE(begin());
  boot("two");
  RecoverRequest request{.region = "", .spool = temporary_.path() / "spool", .host = "host"};
  ASSERT_TRUE(recover_machine(request, regions_, extractor_, events_));
  expect_end(recover(), "spoiled");
}

TEST_F(RetentionTest, NotesThatCannotBeReadCostTheTestNotTheRecovery) {
  recover(false);
  ASSERT_TRUE(begin());
  for (const char* text :
       {"", "{", "[]", "{\"schema\": 99}", "{\"schema\": 1}", "{\"schema\": 1, \"stage\": 7}"}) {
    SCOPED_TRACE(text);
    std::ofstream(state_.path_of(kRetentionFile)) << text;
    boot("two");
    const RecoveryWithTest done = recover();
    ASSERT_TRUE(done.retention && done.retention->failure);
    EXPECT_THAT(done.retention->failure->message, HasSubstr(kRetentionFile));
    EXPECT_TRUE(is_returned());
  }
}

TEST_F(RetentionTest, NotesThatCannotBeWrittenCostTheTestNotTheRecovery) {
  recover();
  ASSERT_TRUE(begin());
  // A directory in the place of the file that is renamed there.
  fs::create_directories(state_.path_of(kRetentionFile) + std::string(".new"));
  boot("two");
  const RecoveryWithTest done = recover();
  ASSERT_TRUE(done.retention && done.retention->failure);
  EXPECT_FALSE(done.retention->wants_reset());
  EXPECT_TRUE(is_returned());
}

TEST_F(RetentionTest, AFileIsRecoveredWithoutIt) {
  recover(false);
  ASSERT_TRUE(begin());
  RecoverRequest request{.region = regions_.disk,
                         .spool = temporary_.path() / "spool",
                         .host = "host",
                         .return_to_system = false};
  const auto done = recover_with_retention_test(request, regions_, extractor_, files_, state_, events_);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_FALSE(done->retention);
  EXPECT_TRUE(is_under_way());
}

}  // namespace
}  // namespace warmdump::test
