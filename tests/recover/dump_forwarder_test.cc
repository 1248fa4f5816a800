// A dump that has to arrive elsewhere before its region is wiped.

#include "recover/dump_forwarder.h"

#include <gmock/gmock.h>

#include "common/dump_format/dump_state.h"
#include "recover/recover_region.h"
#include "tests/recover/region_fixture.h"

namespace warmdump::test {
namespace {

using dump_format::State;
using testing::HasSubstr;

class RecordingForwarder final : public DumpForwarder {
 public:
  Outcome<void> forward(const Device& region, const fs::path& directory) override {
    ++calls;
    EXPECT_TRUE(dump_format::holds_dump(state_of(region)));
    EXPECT_TRUE(fs::exists(directory)) << directory;
    directories.push_back(directory);
    return answer();
  }
  std::string name() const override { return "https://collector.example/dumps"; }

  int calls = 0;
  std::vector<fs::path> directories;
  std::function<Outcome<void>()> answer = [] { return Outcome<void>(); };
};

class DumpForwarderTest : public testing::Test {
 protected:
  void SetUp() override {
    record_planted_boot(trust_.records);
    plant_dump(region_, State::complete);
  }
  Outcome<RegionRecovery> recover() {
    const auto spool = Spool::open(temporary_.path() / "spool", "host");
    EXPECT_TRUE(spool);
    return recover_region(region_, 0, *spool, extractor_, events_, trust_, {.forwarder = &forwarder_});
  }

  TemporaryDirectory temporary_{TemporaryDirectory::Place::memory};
  MemoryRegion region_;
  OneFrameExtractor extractor_;
  RecordingEvents events_;
  RecordingForwarder forwarder_;
  TrustRules trust_{.records = ArmRecords(temporary_.path() / "records")};
};

TEST_F(DumpForwarderTest, a_dump_is_sent_once_while_it_is_on_the_region) {
  const auto recovered = recover();
  ASSERT_TRUE(recovered) << recovered.error().message;
  EXPECT_EQ(forwarder_.calls, 1);
  EXPECT_EQ(forwarder_.directories.front(), recovered->directory);
  EXPECT_EQ(recovered->sent_to, forwarder_.name());
  EXPECT_EQ(state_of(region_), State::cleared);
  ASSERT_TRUE(recover());
  EXPECT_EQ(forwarder_.calls, 1);
}

TEST_F(DumpForwarderTest, what_cannot_be_sent_stays_and_is_tried_again) {
  forwarder_.answer = [] { return Outcome<void>(Failure(ErrorCode::timed_out, "nobody answers")); };
  const std::vector<std::byte> before = region_.bytes;
  for (int attempt = 1; attempt <= 2; ++attempt) {
    const auto failed = recover();
    ASSERT_FALSE(failed);
    EXPECT_THAT(failed.error().message, HasSubstr("nobody answers; the dump stays on the region"));
    EXPECT_EQ(region_.bytes, before);
    EXPECT_TRUE(noted_dumps(trust_.records).empty());
    EXPECT_EQ(forwarder_.calls, attempt);
  }
  EXPECT_EQ(extractor_.extractions, 1);
  forwarder_.answer = [] { return Outcome<void>(); };
  ASSERT_TRUE(recover());
  EXPECT_EQ(forwarder_.calls, 3);
  EXPECT_EQ(state_of(region_), State::cleared);
  EXPECT_EQ(noted_dumps(trust_.records).size(), 1U);
}

// A reboot: what lay in memory beside the region is gone.
TEST_F(DumpForwarderTest, the_next_boot_sends_it_from_the_beginning) {
  forwarder_.answer = [] { return Outcome<void>(Failure(ErrorCode::timed_out, "nobody answers")); };
  ASSERT_FALSE(recover());
  fs::remove_all(temporary_.path() / "spool");
  forwarder_.answer = [] { return Outcome<void>(); };
  ASSERT_TRUE(recover());
  EXPECT_EQ(forwarder_.calls, 2);
  EXPECT_EQ(extractor_.extractions, 2);
}

TEST_F(DumpForwarderTest, what_is_refused_or_not_proven_is_never_sent) {
  extractor_.authenticity = Authenticity::unsealed;
  const auto refused = recover();
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->outcome, DumpOutcome::refused);
  plant_dump(region_, State::complete);
  extractor_.authenticity = Authenticity::unchecked;
  trust_.unauthenticated = Unauthenticated::keep;
  const auto kept = recover();
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->outcome, DumpOutcome::kept_apart);
  EXPECT_EQ(forwarder_.calls, 0);
}

}  // namespace
}  // namespace warmdump::test
