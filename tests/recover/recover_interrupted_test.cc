// Recovery killed, or failing, at every single step. Whatever happens, the next undisturbed run must end with
// one complete dump in the spool and a wiped region; and at no moment may the dump be nowhere.

#include <gmock/gmock.h>

#include "common/dump_format/dump_state.h"
#include "common/file_device.h"
#include "kill_at_syscall.h"
#include "tests/recover/region_fixture.h"

namespace warmdump::test {
namespace {

using dump_format::State;

// What the run starts from.
enum class Start { dump, damaged_headers, half_wiped };

class InterruptedTest : public testing::TestWithParam<Start> {
 protected:
  void prepare() {
    std::error_code ignored;
    fs::remove_all(spool_, ignored);
    fs::remove_all(trust_.records.directory(), ignored);
    record_planted_boot(trust_.records);
    region_.before = [](const char*) { return Result<void>(); };
    region_.tear_writes = false;
    std::fill(region_.bytes.begin(), region_.bytes.end(), std::byte{0});
    plant_dump(region_, State::complete);
    if (GetParam() == Start::damaged_headers) {
      region_.bytes[dump_format::kHeaderOffset + 40] ^= std::byte{1};
      region_.bytes[dump_format::kHeaderCopyOffset + 40] ^= std::byte{1};
    }
    if (GetParam() == Start::half_wiped) {
      ASSERT_TRUE(recover());
      const std::vector<std::byte> noise(1 * kMiB, std::byte{0xa7});
      auto header = read_region_header(region_);
      ASSERT_TRUE(header);
      header->state = static_cast<std::uint32_t>(State::recovered);
      ASSERT_TRUE(write_region_header(region_, *header));
      ASSERT_TRUE(region_.write_at(dump_format::kFramesOffset, noise));
    }
  }

  Outcome<RegionRecovery> recover() {
    Spool spool = TRY(Spool::open(spool_, "host"));
    return recover_region(region_, 0, spool, extractor_, events_, trust_);
  }

  void expect_the_end(const std::string& when) {
    region_.before = [](const char*) { return Result<void>(); };
    region_.tear_writes = false;
    extractor_ = {};
    events_.before = [] {};
    const auto recovered = recover();
    ASSERT_TRUE(recovered) << when << ": " << recovered.error().message;
    // Without headers the time of the crash is lost, so the name is another.
    if (GetParam() == Start::damaged_headers) {
      const auto names = names_in(spool_);
      ASSERT_EQ(names.size(), 1U) << when << ": " << testing::PrintToString(names);
      EXPECT_THAT(names[0], testing::Not(testing::EndsWith("-incomplete"))) << when;
      EXPECT_EQ(content_of(spool_ / names[0] / "meta.json"), kPlantedText) << when;
    } else {
      expect_one_dump(spool_, when);
    }
    EXPECT_EQ(region_.leftovers(), 0U) << when;
    EXPECT_EQ(state_of(region_), State::cleared) << when;
    EXPECT_EQ(noted_dumps(trust_.records), std::vector<std::string>{kPlantedId}) << when;
  }

  // The dump is on the region, untouched, or complete in the spool.
  void expect_not_lost(const std::string& when) {
    const auto identity = extractor_.identify(region_);
    const bool on_region = identity && identity->has_value();
    bool in_spool = false;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(spool_, ignored)) {
      const std::string name = entry.path().filename();
      if (name.ends_with(kIncompleteSuffix)) continue;
      in_spool = in_spool || content_of(entry.path() / "meta.json") == kPlantedText;
    }
    EXPECT_TRUE(on_region || in_spool) << when;
  }

  // Every double reports its steps here.
  template <class Strike>
  void let_strike(StepCounter& steps, Strike&& strike) {
    region_.before = [&, strike](const char*) { return steps.strikes() ? strike() : Result<void>(); };
    extractor_.before = [&, strike]() -> Outcome<void> {
      if (steps.strikes()) TRY(strike());
      return {};
    };
  }

  TemporaryDirectory temporary_{TemporaryDirectory::Place::memory};
  fs::path spool_ = temporary_.path() / "spool";
  MemoryRegion region_;
  OneFrameExtractor extractor_;
  RecordingEvents events_;
  TrustRules trust_{.records = ArmRecords(temporary_.path() / "records")};
};

TEST_P(InterruptedTest, KilledAtEveryStepOnceAndTwice) {
  for (const bool twice : {false, true}) {
    for (int strike_at = 1;; ++strike_at) {
      const std::string when = "killed at step " + std::to_string(strike_at) + (twice ? ", twice" : "");
      prepare();
      bool killed = false;
      for (int run = 0; run < (twice ? 2 : 1); ++run) {
        StepCounter steps{.strike_at = strike_at};
        let_strike(steps, []() -> Result<void> { throw Killed(); });
        events_.before = [&] {
          if (steps.strikes()) throw Killed();
        };
        region_.tear_writes = true;
        try {
          (void)recover();
        } catch (const Killed&) {
          killed = true;
        }
        region_.before = [](const char*) { return Result<void>(); };
        expect_not_lost(when);
      }
      expect_the_end(when);
      if (HasFailure()) return;
      if (!killed) {
        EXPECT_GT(strike_at, 8);
        break;
      }
    }
  }
}

TEST_P(InterruptedTest, AnErrorAtEveryStepForOnceAndForEver) {
  for (const bool for_ever : {false, true}) {
    for (int strike_at = 1;; ++strike_at) {
      const std::string when =
          "error at step " + std::to_string(strike_at) + (for_ever ? " and ever after" : "");
      prepare();
      StepCounter steps{.strike_at = strike_at};
      int errors = 0;
      const auto fail = [&]() -> Result<void> {
        ++errors;
        if (for_ever) steps.strike_at = steps.count + 1;
        return Error::system("injected", EIO);
      };
      let_strike(steps, fail);
      const auto recovered = recover();
      region_.before = [](const char*) { return Result<void>(); };
      EXPECT_EQ(recovered.has_value(), errors == 0) << when;
      expect_not_lost(when);
      expect_the_end(when);
      if (HasFailure()) return;
      if (errors == 0) break;
    }
  }
}

// A refusal that dies anywhere ends as a refusal: wiped, nothing in the spool, and the reason is told again
// unless it was over.
TEST_P(InterruptedTest, ARefusalKilledAtEveryStep) {
  for (const bool is_replayed : {false, true}) {
    for (int strike_at = 1;; ++strike_at) {
      const std::string when = "killed at step " + std::to_string(strike_at);
      prepare();
      if (GetParam() == Start::half_wiped) return;
      if (is_replayed) {
        ASSERT_TRUE(trust_.records.note_taken(kPlantedBoot, kPlantedId));
      }
      extractor_.authenticity = is_replayed ? Authenticity::sealed : Authenticity::unsealed;
      StepCounter steps{.strike_at = strike_at};
      let_strike(steps, []() -> Result<void> { throw Killed(); });
      events_.before = [&] {
        if (steps.strikes()) throw Killed();
      };
      region_.tear_writes = true;
      bool killed = false;
      try {
        (void)recover();
      } catch (const Killed&) {
        killed = true;
      }
      region_.before = [](const char*) { return Result<void>(); };
      region_.tear_writes = false;
      extractor_.before = [] { return Outcome<void>(); };
      events_.before = [] {};
      const bool was_over = state_of(region_) == State::cleared;
      const auto again = recover();
      ASSERT_TRUE(again) << when << ": " << again.error().message;
      if (!was_over) {
        EXPECT_EQ(again->outcome, DumpOutcome::refused) << when;
        EXPECT_EQ(again->refusal, is_replayed ? Refusal::replayed : Refusal::unsealed) << when;
      }
      EXPECT_TRUE(names_in(spool_).empty()) << when;
      EXPECT_EQ(region_.leftovers(), 0U) << when;
      EXPECT_EQ(state_of(region_), State::cleared) << when;
      if (HasFailure()) return;
      if (!killed) break;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(From, InterruptedTest,
                         testing::Values(Start::dump, Start::damaged_headers, Start::half_wiped),
                         [](const auto& test) {
                           return std::string(test.param == Start::dump              ? "Dump"
                                              : test.param == Start::damaged_headers ? "DamagedHeaders"
                                                                                     : "HalfWiped");
                         });

// The real thing: a process on a real file and a real spool, SIGKILL at each system call; the first time, and
// when another run was killed before and left files behind.
class KilledProcess : public testing::TestWithParam<bool> {
 protected:
  KilledProcess() { plant_dump(image_, State::complete); }

  Outcome<RegionRecovery> recover() {
    FileDevice device;
    TRY(device.open(file_.c_str(), FileDevice::Access::read_write));
    const Spool opened = TRY(Spool::open(spool_, "host"));
    OneFrameExtractor extractor;
    RecordingEvents events;
    return recover_region(device, 0, opened, extractor, events, trust_);
  }
  void start_over() {
    std::error_code ignored;
    fs::remove_all(spool_, ignored);
    fs::remove_all(trust_.records.directory(), ignored);
    record_planted_boot(trust_.records);
    std::ofstream(file_, std::ios::binary)
        .write(reinterpret_cast<const char*>(image_.bytes.data()),
               static_cast<std::streamsize>(image_.size()));
  }
  void leave_half_a_dump() {
    auto opened = Spool::open(spool_, "host");
    ASSERT_TRUE(opened);
    const Spool left = std::move(*opened);
    const auto incomplete = left.begin(kPlantedId, 1'700'000'000);
    ASSERT_TRUE(incomplete);
    for (const char* name : {"a", "vmcore", "z"}) std::ofstream(*incomplete / name) << "half";
    // Made last, it is what a plain removal meets first, on file systems that list the newest first.
    fs::remove(*incomplete / kDumpIdFile);
    std::ofstream(*incomplete / kDumpIdFile) << kPlantedId << '\n';
  }
  void expect_a_cleared_region(const std::string& when) {
    MemoryRegion after;
    std::ifstream(file_, std::ios::binary)
        .read(reinterpret_cast<char*>(after.bytes.data()), static_cast<std::streamsize>(after.size()));
    ASSERT_EQ(after.leftovers(), 0U) << when;
    ASSERT_EQ(state_of(after), State::cleared) << when;
    ASSERT_EQ(noted_dumps(trust_.records), std::vector<std::string>{kPlantedId}) << when;
  }

  TemporaryDirectory temporary_{TemporaryDirectory::Place::memory};
  fs::path file_ = temporary_.path() / "region";
  fs::path spool_ = temporary_.path() / "spool";
  MemoryRegion image_;
  TrustRules trust_{.records = ArmRecords(temporary_.path() / "records")};
};

TEST_P(KilledProcess, AtEverySystemCall) {
  int kills = 0;
  for (int stop = 1;; ++stop) {
    const std::string when = "killed at system call stop " + std::to_string(stop);
    start_over();
    if (GetParam()) leave_half_a_dump();
    const KillResult result = run_killed_at_syscall(stop, [&] { (void)recover(); });
    if (result == KillResult::cannot_trace) GTEST_SKIP() << "ptrace(2) is not allowed here";
    const auto recovered = recover();
    ASSERT_TRUE(recovered) << when << ": " << recovered.error().message;
    expect_one_dump(spool_, when);
    expect_a_cleared_region(when);
    if (HasFatalFailure()) return;
    if (result == KillResult::finished) break;
    ++kills;
  }
  EXPECT_GT(kills, 100);
}

// Whoever sends dumps and deletes them may do it between two runs, as soon as one is there.
class TakenAway {
 public:
  explicit TakenAway(fs::path spool) : spool_(std::move(spool)) {}

  // Dumps with a name that says they are whole.
  void take() {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(spool_, ignored)) {
      const std::string name = entry.path().filename();
      if (!entry.is_directory() || name.ends_with(kIncompleteSuffix)) continue;
      EXPECT_EQ(content_of(entry.path() / "vmcore"), kPlantedText) << name;
      EXPECT_EQ(content_of(entry.path() / "meta.json"), kPlantedText) << name;
      ++taken;
      fs::remove_all(entry.path());
    }
  }

  int taken = 0;

 private:
  fs::path spool_;
};

TEST_P(KilledProcess, at_every_system_call_with_the_dump_sent_and_deleted_before_the_next_start) {
  int taken_between = 0;
  for (int stop = 1;; ++stop) {
    const std::string when = "killed at system call stop " + std::to_string(stop);
    start_over();
    TakenAway sender(spool_);
    const KillResult result = run_killed_at_syscall(stop, [&] { (void)recover(); });
    if (result == KillResult::cannot_trace) GTEST_SKIP() << "ptrace(2) is not allowed here";
    sender.take();
    taken_between += sender.taken;
    // The repair is killed too, one step behind where the first run was.
    if (GetParam()) {
      (void)run_killed_at_syscall(stop + 1, [&] { (void)recover(); });
      sender.take();
    }
    const auto recovered = recover();
    ASSERT_TRUE(recovered) << when << ": " << recovered.error().message;
    EXPECT_NE(recovered->outcome, DumpOutcome::refused) << when;
    sender.take();
    ASSERT_EQ(sender.taken, 1) << when;
    ASSERT_TRUE(names_in(spool_).empty()) << when << ": " << testing::PrintToString(names_in(spool_));
    expect_a_cleared_region(when);
    if (HasFailure()) return;
    if (result == KillResult::finished) break;
  }
  EXPECT_GT(taken_between, 10) << "the gap was never met";
}

// What decides is that the dump had its name: who clears an unfinished one by hand loses no dump.
TEST(Publication, an_unfinished_directory_that_is_removed_by_hand_is_saved_anew) {
  TemporaryDirectory temporary{TemporaryDirectory::Place::memory};
  const fs::path spool = temporary.path() / "spool";
  MemoryRegion region;
  plant_dump(region, State::complete);
  const TrustRules trust{.records = ArmRecords(temporary.path() / "records")};
  record_planted_boot(trust.records);
  OneFrameExtractor extractor;
  RecordingEvents events;
  {
    const auto opened = Spool::open(spool, "host");
    ASSERT_TRUE(opened);
    ASSERT_TRUE(opened->begin(kPlantedId, 1'700'000'000));
    fs::remove_all(spool / "host-2023-11-14-22:13:20-incomplete");
    EXPECT_FALSE(opened->was_published(kPlantedId));
    ASSERT_TRUE(recover_region(region, 0, *opened, extractor, events, trust));
  }
  expect_one_dump(spool, "after the hand");
}

INSTANTIATE_TEST_SUITE_P(Run, KilledProcess, testing::Values(false, true),
                         [](const auto& test) { return test.param ? "Second" : "First"; });

}  // namespace
}  // namespace warmdump::test
