// Which dumps recovery takes, which it refuses and wipes, and which it leaves.

#include <gmock/gmock.h>

#include "common/dump_format/dump_state.h"
#include "recover/recover_region.h"
#include "tests/recover/region_fixture.h"

namespace warmdump::test {
namespace {

using dump_format::State;
using testing::HasSubstr;

class RecoverTrustTest : public testing::Test {
 protected:
  void SetUp() override { record_planted_boot(trust_.records); }
  Outcome<RegionRecovery> recover() {
    auto spool = Spool::open(spool_, "host");
    EXPECT_TRUE(spool);
    return recover_region(region_, 0, *spool, extractor_, events_, trust_);
  }

  TemporaryDirectory temporary_{TemporaryDirectory::Place::memory};
  fs::path spool_ = temporary_.path() / "spool";
  MemoryRegion region_;
  OneFrameExtractor extractor_;
  RecordingEvents events_;
  TrustRules trust_{.records = ArmRecords(temporary_.path() / "records")};
};

TEST_F(RecoverTrustTest, ADumpThatWasTakenIsNotedInTheRecordOfItsBoot) {
  plant_dump(region_, State::complete);
  ASSERT_TRUE(recover());
  EXPECT_EQ(noted_dumps(trust_.records), std::vector<std::string>{kPlantedId});
}

TEST_F(RecoverTrustTest, ADumpPutBackAfterItLeftTheSpoolIsRefusedAndWiped) {
  plant_dump(region_, State::complete);
  const std::vector<std::byte> with_dump = region_.bytes;
  ASSERT_TRUE(recover());
  fs::remove_all(spool_);
  region_.bytes = with_dump;
  const auto again = recover();
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->outcome, DumpOutcome::refused);
  EXPECT_EQ(again->refusal, Refusal::replayed);
  EXPECT_THAT(events_.steps, testing::Contains(HasSubstr("REFUSED: this dump was saved before")));
  EXPECT_TRUE(fs::is_empty(spool_));
  EXPECT_EQ(region_.leftovers(), 0U);
  EXPECT_EQ(extractor_.extractions, 1);
}

TEST_F(RecoverTrustTest, ASecondDumpOfABootIsTakenToo) {
  plant_dump(region_, State::complete);
  ASSERT_TRUE(trust_.records.note_taken(kPlantedBoot, "ffffffffffffffff"));
  const auto recovered = recover();
  ASSERT_TRUE(recovered);
  EXPECT_EQ(recovered->outcome, DumpOutcome::extracted);
  EXPECT_EQ(noted_dumps(trust_.records), (std::vector<std::string>{"ffffffffffffffff", kPlantedId}));
}

TEST_F(RecoverTrustTest, WhatNoSealOfAKnownBootProvesIsRefusedUnreadAndWiped) {
  const std::pair<Authenticity, Refusal> cases[] = {{Authenticity::unsealed, Refusal::unsealed},
                                                    {Authenticity::unknown_boot, Refusal::unknown_boot}};
  for (const auto& [authenticity, refusal] : cases) {
    for (const Unauthenticated asked : {Unauthenticated::ask, Unauthenticated::keep}) {
      extractor_.authenticity = authenticity;
      trust_.unauthenticated = asked;
      plant_dump(region_, State::complete);
      const auto recovered = recover();
      ASSERT_TRUE(recovered) << recovered.error().message;
      EXPECT_EQ(recovered->outcome, DumpOutcome::refused);
      EXPECT_EQ(recovered->refusal, refusal);
      EXPECT_FALSE(recovered->header.has_value());
      EXPECT_EQ(region_.leftovers(), 0U);
      EXPECT_EQ(state_of(region_), State::cleared);
      EXPECT_TRUE(fs::is_empty(spool_));
    }
  }
  EXPECT_EQ(extractor_.extractions, 0);
}

TEST_F(RecoverTrustTest, ADumpOfABootWhoseRecordCannotBeReadIsLeftAlone) {
  std::ofstream(temporary_.path() / "records" / (std::string(kPlantedBoot) + ".json")) << "half";
  extractor_.authenticity = Authenticity::unknown_boot;
  plant_dump(region_, State::complete);
  const std::vector<std::byte> before = region_.bytes;
  EXPECT_EQ(recover()->outcome, DumpOutcome::left_alone);
  EXPECT_EQ(region_.bytes, before);
}

TEST_F(RecoverTrustTest, WithoutAnySecretADumpIsLeftAloneUntilItIsAskedFor) {
  extractor_.authenticity = Authenticity::unchecked;
  plant_dump(region_, State::complete);
  const std::vector<std::byte> before = region_.bytes;
  const auto left = recover();
  ASSERT_TRUE(left);
  EXPECT_EQ(left->outcome, DumpOutcome::left_alone);
  EXPECT_THAT(events_.steps, testing::Contains(HasSubstr("--unauthenticated=keep")));
  EXPECT_EQ(region_.bytes, before);
  EXPECT_TRUE(fs::is_empty(spool_));

  trust_.unauthenticated = Unauthenticated::keep;
  const auto kept = recover();
  ASSERT_TRUE(kept) << kept.error().message;
  EXPECT_EQ(kept->outcome, DumpOutcome::kept_apart);
  EXPECT_EQ(names_in(spool_), std::vector<std::string>{"unauthenticated"});
  expect_one_dump(spool_ / "unauthenticated", "kept apart");
  EXPECT_EQ(kept->directory.parent_path(), spool_ / "unauthenticated");
  EXPECT_EQ(region_.leftovers(), 0U);
  EXPECT_TRUE(noted_dumps(trust_.records).empty()) << "nothing proves that it is a dump of that boot";
}

TEST_F(RecoverTrustTest, WithoutAnySecretADumpIsWipedWhenThatIsAskedFor) {
  extractor_.authenticity = Authenticity::unchecked;
  trust_.unauthenticated = Unauthenticated::wipe;
  plant_dump(region_, State::complete);
  const auto wiped = recover();
  ASSERT_TRUE(wiped);
  EXPECT_EQ(wiped->outcome, DumpOutcome::refused);
  EXPECT_EQ(wiped->refusal, Refusal::unauthenticated);
  EXPECT_EQ(region_.leftovers(), 0U);
}

TEST_F(RecoverTrustTest, SealedFramesAreSavedAlthoughTheCaptureCouldNotWriteItsHeader) {
  plant_dump(region_, State::cleared);
  const auto recovered = recover();
  ASSERT_TRUE(recovered) << recovered.error().message;
  EXPECT_EQ(recovered->outcome, DumpOutcome::extracted);
  EXPECT_EQ(content_of(recovered->directory / "vmcore"), kPlantedText);
  EXPECT_EQ(noted_dumps(trust_.records), std::vector<std::string>{kPlantedId});
  EXPECT_EQ(state_of(region_), State::cleared);
}

// What a process leaves in memory that it fills with a fake, of a machine whose crash kernel never ran.
TEST_F(RecoverTrustTest, FramesBesideAHeaderThatSaysNoCaptureBeganAreRefusedAndWiped) {
  class NothingSealed final : public DumpExtractor {
    Outcome<std::optional<DumpIdentity>> identify(const Device&) override {
      return std::optional<DumpIdentity>();
    }
    Outcome<ExtractedDump> extract(const Device&, const fs::path&, const Progress&) override {
      return Failure(ErrorCode::invalid, "must not be asked for");
    }
  } extractor;
  for (const State state : {State::empty, State::cleared}) {
    plant_dump(region_, state);
    const auto spool = Spool::open(spool_, "host");
    const auto recovered = recover_region(region_, 0, *spool, extractor, events_, trust_);
    ASSERT_TRUE(recovered) << recovered.error().message;
    EXPECT_EQ(recovered->outcome, DumpOutcome::refused);
    EXPECT_EQ(recovered->refusal, Refusal::planted);
    EXPECT_EQ(region_.leftovers(), 0U);
    EXPECT_EQ(state_of(region_), State::cleared);
  }
}

TEST_F(RecoverTrustTest, ADumpThatCouldNotBeSavedKeepsTheRecordOfItsBoot) {
  plant_dump(region_, State::complete);
  extractor_.before = [] { return Outcome<void>(Failure(ErrorCode::no_space, "disk full")); };
  ASSERT_FALSE(recover());
  for (int boot = 0; boot < 9; ++boot) {
    ArmRecord later;
    later.boot_id = "later-" + std::to_string(boot);
    ASSERT_TRUE(trust_.records.store(later));
  }
  EXPECT_EQ(trust_.records.all().size(), kArmRecordsKept + 1);
  extractor_.before = [] { return Outcome<void>(); };
  ASSERT_TRUE(recover());
  EXPECT_EQ(noted_dumps(trust_.records), std::vector<std::string>{kPlantedId});
  EXPECT_EQ((*trust_.records.find(kPlantedBoot))->dump_waits, 0U);
}

TEST_F(RecoverTrustTest, AFileNamedByHandIsNeitherNotedNorJudgedByTheRecordsHere) {
  trust_.is_own_region = false;
  plant_dump(region_, State::complete);
  const std::vector<std::byte> with_dump = region_.bytes;
  ASSERT_TRUE(recover());
  EXPECT_TRUE(noted_dumps(trust_.records).empty());
  for (const Authenticity authenticity : {Authenticity::unsealed, Authenticity::unknown_boot}) {
    extractor_.authenticity = authenticity;
    region_.bytes = with_dump;
    EXPECT_EQ(recover()->outcome, DumpOutcome::left_alone);
    EXPECT_EQ(region_.bytes, with_dump);
  }
}

}  // namespace
}  // namespace warmdump::test
