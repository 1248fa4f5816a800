#include "recover/recover_region.h"

#include <gmock/gmock.h>

#include "common/dump_format/dump_state.h"
#include "tests/recover/region_fixture.h"

namespace warmdump::test {
namespace {

using dump_format::State;
using testing::HasSubstr;

class RecoverRegionTest : public testing::Test {
 protected:
  Outcome<RegionRecovery> recover(PhysicalAddress start = 0) {
    auto spool = Spool::open(spool_, "host");
    EXPECT_TRUE(spool);
    return recover_region(region_, start, *spool, extractor_, events_, trust_);
  }
  void SetUp() override { record_planted_boot(trust_.records); }
  // Neither spool nor records know of the dump any more.
  void forget_dump() {
    fs::remove_all(spool_);
    fs::remove_all(trust_.records.directory());
    record_planted_boot(trust_.records);
  }
  void damage_header(ByteCount offset) { region_.bytes[offset + 100] ^= std::byte{1}; }

  TemporaryDirectory temporary_{TemporaryDirectory::Place::memory};
  fs::path spool_ = temporary_.path() / "spool";
  MemoryRegion region_;
  OneFrameExtractor extractor_;
  RecordingEvents events_;
  TrustRules trust_{.records = ArmRecords(temporary_.path() / "records")};
};

TEST_F(RecoverRegionTest, AFreshRegionIsFormatted) {
  const auto recovered = recover(0x11fe00000);
  ASSERT_TRUE(recovered);
  EXPECT_TRUE(recovered->formatted);
  EXPECT_EQ(recovered->outcome, DumpOutcome::none);
  EXPECT_EQ(state_of(region_), State::empty);
}

TEST_F(RecoverRegionTest, WithoutADumpNothingIsWritten) {
  for (const State state : {State::empty, State::cleared}) {
    plant_dump(region_, state);
    region_.bytes[dump_format::kFramesOffset] ^= std::byte{1};
    const std::vector<std::byte> before = region_.bytes;
    const auto recovered = recover();
    ASSERT_TRUE(recovered);
    EXPECT_EQ(recovered->outcome, DumpOutcome::none);
    EXPECT_EQ(region_.bytes, before);
  }
  EXPECT_EQ(extractor_.extractions, 0);
}

TEST_F(RecoverRegionTest, EveryStateWithADumpIsSavedWipedAndRemembered) {
  for (const State state : {State::writing, State::complete, State::partial}) {
    forget_dump();
    plant_dump(region_, state);
    const auto recovered = recover();
    ASSERT_TRUE(recovered) << recovered.error().message;
    EXPECT_EQ(recovered->outcome, DumpOutcome::extracted);
    EXPECT_EQ(recovered->dump->crash_text, kPlantedText);
    expect_one_dump(spool_, dump_format::state_name(state));
    EXPECT_EQ(region_.leftovers(), 0U);
    const auto header = read_region_header(region_);
    ASSERT_TRUE(header);
    EXPECT_EQ(header->state, static_cast<std::uint32_t>(State::cleared));
    EXPECT_EQ(header->dump_id[0], 0x10);
    EXPECT_EQ(header->phase, static_cast<std::uint32_t>(dump_format::Phase::finished));
  }
}

class RefusingExtractor final : public DumpExtractor {
 public:
  Outcome<std::optional<DumpIdentity>> identify(const Device&) override {
    return Failure(ErrorCode::refused, "a forgery");
  }
  Outcome<ExtractedDump> extract(const Device&, const fs::path&, const Progress&) override {
    return Failure(ErrorCode::invalid, "must not be asked for");
  }
};

TEST_F(RecoverRegionTest, AForgeryIsWipedUnreadAndLeavesNoRecord) {
  for (const State state : {State::writing, State::complete, State::partial}) {
    plant_dump(region_, state);
    RefusingExtractor refusing;
    const auto spool = Spool::open(spool_, "host");
    ASSERT_TRUE(spool);
    const auto recovered = recover_region(region_, 0, *spool, refusing, events_, trust_);
    ASSERT_TRUE(recovered) << recovered.error().message;
    EXPECT_EQ(recovered->outcome, DumpOutcome::refused);
    EXPECT_FALSE(recovered->header.has_value()) << "nothing of it is believed";
    EXPECT_TRUE(recovered->directory.empty());
    EXPECT_TRUE(fs::is_empty(spool_));
    EXPECT_EQ(region_.leftovers(), 0U);
    const auto header = read_region_header(region_);
    ASSERT_TRUE(header);
    EXPECT_EQ(header->state, static_cast<std::uint32_t>(State::cleared));
    EXPECT_EQ(header->dump_id[0], 0);
    EXPECT_STREQ(reinterpret_cast<const char*>(header->error_text), "forged");
  }
}

TEST_F(RecoverRegionTest, AnInterruptedWipeIsFinished) {
  plant_dump(region_, State::recovered);
  const auto recovered = recover();
  ASSERT_TRUE(recovered);
  EXPECT_EQ(recovered->outcome, DumpOutcome::already_saved);
  EXPECT_TRUE(recovered->wiped);
  EXPECT_EQ(extractor_.extractions, 0);
  EXPECT_EQ(region_.leftovers(), 0U);
  EXPECT_EQ(state_of(region_), State::cleared);
}

TEST_F(RecoverRegionTest, ASavedDumpIsNotExtractedAgain) {
  plant_dump(region_, State::complete);
  const std::vector<std::byte> with_dump = region_.bytes;
  ASSERT_TRUE(recover());
  region_.bytes = with_dump;
  const auto again = recover();
  ASSERT_TRUE(again);
  EXPECT_EQ(again->outcome, DumpOutcome::already_saved);
  EXPECT_EQ(extractor_.extractions, 1);
  expect_one_dump(spool_, "again");
  EXPECT_EQ(state_of(region_), State::cleared);
}

TEST_F(RecoverRegionTest, OneDamagedHeaderCopyDoesNotMatter) {
  for (const ByteCount offset : {dump_format::kHeaderOffset, dump_format::kHeaderCopyOffset}) {
    forget_dump();
    plant_dump(region_, State::complete);
    damage_header(offset);
    ASSERT_TRUE(recover());
    expect_one_dump(spool_, std::to_string(offset));
  }
}

TEST_F(RecoverRegionTest, FramesAreSavedWhenBothHeaderCopiesAreDamaged) {
  plant_dump(region_, State::complete);
  damage_header(dump_format::kHeaderOffset);
  damage_header(dump_format::kHeaderCopyOffset);
  const auto recovered = recover();
  ASSERT_TRUE(recovered);
  EXPECT_EQ(recovered->outcome, DumpOutcome::extracted);
  EXPECT_EQ(content_of(recovered->directory / "vmcore"), kPlantedText);
  EXPECT_EQ(state_of(region_), State::cleared);
}

TEST_F(RecoverRegionTest, FramesAreSavedWhenTheHeadersAreGoneWithoutATrace) {
  plant_dump(region_, State::complete);
  for (const ByteCount offset : {dump_format::kHeaderOffset, dump_format::kHeaderCopyOffset}) {
    std::fill_n(region_.bytes.begin() + static_cast<std::ptrdiff_t>(offset), 4096, std::byte{0});
  }
  const auto recovered = recover();
  ASSERT_TRUE(recovered);
  EXPECT_EQ(recovered->outcome, DumpOutcome::extracted);
}

TEST_F(RecoverRegionTest, DamagedHeadersWithoutFramesAreFormatted) {
  plant_dump(region_, State::cleared);
  std::fill(region_.bytes.begin() + static_cast<std::ptrdiff_t>(dump_format::kFramesOffset),
            region_.bytes.end(), std::byte{0});
  damage_header(dump_format::kHeaderOffset);
  damage_header(dump_format::kHeaderCopyOffset);
  const auto recovered = recover();
  ASSERT_TRUE(recovered);
  EXPECT_TRUE(recovered->formatted);
  EXPECT_EQ(state_of(region_), State::empty);
}

TEST_F(RecoverRegionTest, ACaptureThatDiedBeforeItStoredAnythingIsRecorded) {
  plant_dump(region_, State::writing);
  region_.bytes[dump_format::kFramesOffset] ^= std::byte{1};
  const auto recovered = recover();
  ASSERT_TRUE(recovered);
  EXPECT_EQ(recovered->outcome, DumpOutcome::nothing_stored);
  EXPECT_TRUE(names_in(spool_).empty());
  EXPECT_EQ(state_of(region_), State::cleared);
}

TEST_F(RecoverRegionTest, ADumpOfANewerVersionIsLeftAlone) {
  plant_dump(region_, State::complete);
  auto header = read_region_header(region_);
  ASSERT_TRUE(header);
  header->format_version = dump_format::kFormatVersion + 1;
  ASSERT_TRUE(write_region_header(region_, *header));
  const std::vector<std::byte> before = region_.bytes;
  const auto recovered = recover();
  ASSERT_FALSE(recovered);
  EXPECT_EQ(recovered.error().code, ErrorCode::unsupported);
  EXPECT_EQ(region_.bytes, before);
}

TEST_F(RecoverRegionTest, AnUnknownStateIsLeftAlone) {
  plant_dump(region_, static_cast<State>(99));
  const std::vector<std::byte> before = region_.bytes;
  const auto recovered = recover();
  ASSERT_FALSE(recovered);
  EXPECT_EQ(recovered.error().code, ErrorCode::unsupported);
  EXPECT_THAT(recovered.error().message, HasSubstr("99"));
  EXPECT_EQ(region_.bytes, before);
}

TEST_F(RecoverRegionTest, AMovedRegionGetsAHeaderThatACaptureAccepts) {
  plant_dump(region_, State::cleared, 0x11fe00000);
  region_.bytes[dump_format::kFramesOffset] ^= std::byte{1};
  ASSERT_TRUE(recover(0x12fe00000));
  const auto header = read_region_header(region_);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->region_start, 0x12fe00000U);
  EXPECT_EQ(state_of(region_), State::cleared);
}

TEST_F(RecoverRegionTest, AFailedExtractionLeavesTheDumpAndNothingInTheSpool) {
  plant_dump(region_, State::complete);
  const std::vector<std::byte> before = region_.bytes;
  extractor_.before = [] { return Outcome<void>(Failure(ErrorCode::no_space, "disk full")); };
  const auto recovered = recover();
  ASSERT_FALSE(recovered);
  EXPECT_EQ(recovered.error().code, ErrorCode::no_space);
  EXPECT_THAT(recovered.error().message, HasSubstr("the dump stays on the region"));
  EXPECT_TRUE(names_in(spool_).empty());
  EXPECT_EQ(region_.bytes, before);

  extractor_.before = [] { return Outcome<void>(); };
  ASSERT_TRUE(recover());
  expect_one_dump(spool_, "next try");
}

}  // namespace
}  // namespace warmdump::test
