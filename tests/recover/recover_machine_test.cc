#include "recover/recover_machine.h"

#include <gmock/gmock.h>

#include "common/dump_format/dump_state.h"
#include "common/file_device.h"
#include "tests/recover/region_fixture.h"
#include "tests/support/fake_pmem_regions.h"

namespace warmdump::test {
namespace {

using dump_format::State;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class RecoverMachineTest : public testing::Test {
 protected:
  void SetUp() override {
    std::ofstream(regions_.disk).put('\0');
    fs::resize_file(regions_.disk, kTestRegionSize);
    regions_.region.size = kTestRegionSize;
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
  RecordingEvents events_;
};

TEST_F(RecoverMachineTest, TheDumpIsSavedAndTheMemoryReturned) {
  plant(State::complete);
  const auto recovered = recover();
  ASSERT_TRUE(recovered) << recovered.error().message;
  EXPECT_EQ(recovered->dump->outcome, DumpOutcome::extracted);
  ASSERT_TRUE(recovered->returned);
  EXPECT_FALSE(recovered->returned->was_returned);
  EXPECT_EQ(recovered->returned->bytes, 256 * kMiB);
  EXPECT_EQ(recovered->returned->memory_total_after - recovered->returned->memory_total_before, 256 * kMiB);
  expect_one_dump(request_.spool, "machine");
  EXPECT_THAT(regions_.calls, ElementsAre("find", "open_raw", "check_returnable", "convert_to_devdax",
                                          "make_system_ram", "online_movable", "memory_blocks"));
}

TEST_F(RecoverMachineTest, WithoutADumpTheMemoryIsReturned) {
  const auto recovered = recover();
  ASSERT_TRUE(recovered);
  EXPECT_EQ(recovered->dump->outcome, DumpOutcome::none);
  EXPECT_TRUE(recovered->dump->formatted);
  EXPECT_TRUE(recovered->returned);
}

TEST_F(RecoverMachineTest, NoReturnStopsBeforeTheMemory) {
  plant(State::complete);
  request_.return_to_system = false;
  const auto recovered = recover();
  ASSERT_TRUE(recovered);
  EXPECT_FALSE(recovered->returned);
  EXPECT_THAT(regions_.calls, ElementsAre("find", "open_raw"));
  EXPECT_EQ(state(), State::cleared);
}

TEST_F(RecoverMachineTest, AnUnsavedDumpKeepsTheMemory) {
  plant(State::complete);
  extractor_.before = [] { return Outcome<void>(Failure(ErrorCode::no_space, "disk full")); };
  const auto recovered = recover();
  ASSERT_FALSE(recovered);
  EXPECT_EQ(recovered.error().code, ErrorCode::no_space);
  EXPECT_THAT(regions_.calls, ElementsAre("find", "open_raw"));
  EXPECT_EQ(state(), State::complete);
}

TEST_F(RecoverMachineTest, ADumpThatNobodyCanJudgeKeepsTheMemoryUntilItIsAskedFor) {
  plant(State::complete);
  extractor_.authenticity = Authenticity::unchecked;
  const auto left = recover();
  ASSERT_TRUE(left);
  EXPECT_EQ(left->dump->outcome, DumpOutcome::left_alone);
  EXPECT_FALSE(left->returned);
  EXPECT_THAT(regions_.calls, ElementsAre("find", "open_raw"));
  EXPECT_EQ(state(), State::complete);

  request_.trust.unauthenticated = Unauthenticated::keep;
  const auto kept = recover();
  ASSERT_TRUE(kept) << kept.error().message;
  EXPECT_EQ(kept->dump->outcome, DumpOutcome::kept_apart);
  EXPECT_TRUE(kept->returned);
}

TEST_F(RecoverMachineTest, SystemRamAlreadyIsSuccess) {
  ASSERT_TRUE(recover());
  regions_.calls.clear();
  const auto again = recover();
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->dump);
  EXPECT_TRUE(again->returned->was_returned);
  EXPECT_THAT(regions_.calls, Not(testing::Contains("online_movable")));
}

TEST_F(RecoverMachineTest, EveryStepMayFailOrDieAndTheNextRunEndsWell) {
  for (const bool kill : {false, true}) {
    for (int strike_at = 1;; ++strike_at) {
      regions_.reboot();
      fs::remove_all(request_.spool);
      plant(State::complete);
      StepCounter steps{.strike_at = strike_at};
      bool struck = false;
      regions_.before = [&](const std::string&) -> Outcome<void> {
        if (!steps.strikes()) return {};
        struck = true;
        if (kill) throw Killed();
        return Failure(ErrorCode::io, "injected");
      };
      try {
        const auto recovered = recover();
        const bool all_well = recovered && !recovered->return_failure;
        EXPECT_EQ(all_well, !struck) << strike_at;
        if (recovered && recovered->return_failure) {
          EXPECT_THAT(recovered->return_failure->message, HasSubstr("region0"));
        }
      } catch (const Killed&) {
      }
      regions_.before = [](const std::string&) { return Outcome<void>(); };
      const auto recovered = recover();
      ASSERT_TRUE(recovered) << strike_at << ": " << recovered.error().message;
      ASSERT_TRUE(recovered->returned) << strike_at << ": " << recovered->return_failure->message;
      expect_one_dump(request_.spool, std::to_string(strike_at));
      EXPECT_TRUE(regions_.blocks.all_returned());
      if (HasFailure()) return;
      if (!struck) break;
    }
  }
}

TEST_F(RecoverMachineTest, MemoryThatIsNotMovableIsAFailure) {
  regions_.online_becomes_movable = false;
  const auto recovered = recover();
  ASSERT_TRUE(recovered);
  ASSERT_TRUE(recovered->return_failure);
  EXPECT_EQ(recovered->return_failure->code, ErrorCode::refused);
  EXPECT_THAT(recovered->return_failure->message, HasSubstr("not all of them Movable"));
}

TEST_F(RecoverMachineTest, ARegionWithoutANodeKeepsItsDumpSavedAndSaysWhatToDo) {
  plant(State::complete);
  regions_.region.target_node = kNoNode;
  const auto recovered = recover();
  ASSERT_TRUE(recovered);
  expect_one_dump(request_.spool, "no node");
  ASSERT_TRUE(recovered->return_failure);
  EXPECT_EQ(recovered->return_failure->code, ErrorCode::unsupported);
  EXPECT_THAT(recovered->return_failure->message, HasSubstr("warmdump plan"));
}

TEST_F(RecoverMachineTest, NoRegionIsNamed) {
  regions_.region_exists = false;
  const auto recovered = recover();
  ASSERT_FALSE(recovered);
  EXPECT_EQ(recovered.error().code, ErrorCode::not_found);
  EXPECT_THAT(recovered.error().message, HasSubstr("memmap="));
}

TEST_F(RecoverMachineTest, AFileIsRecoveredButNotReturned) {
  plant(State::complete);
  const fs::path file = temporary_.path() / "region.img";
  fs::copy_file(regions_.disk, file);
  request_.region = file;
  const auto refused = recover();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::invalid);
  EXPECT_THAT(refused.error().message, HasSubstr("--no-return"));

  request_.return_to_system = false;
  const auto recovered = recover();
  ASSERT_TRUE(recovered);
  EXPECT_EQ(recovered->dump->outcome, DumpOutcome::extracted);
  EXPECT_TRUE(regions_.calls.empty());
}

TEST_F(RecoverMachineTest, AMissingFileIsNamed) {
  request_.region = temporary_.path() / "nothing";
  const auto recovered = recover();
  ASSERT_FALSE(recovered);
  EXPECT_EQ(recovered.error().code, ErrorCode::not_found);
  EXPECT_THAT(recovered.error().message, HasSubstr(request_.region));
}

TEST(ChooseRegion, ByNameOrTheOnlyOne) {
  const PmemRegion first{.name = "region0", .start = 0x11fe00000, .size = 258 * kMiB};
  const PmemRegion second{.name = "region1", .start = 0x13fe00000, .size = 130 * kMiB};
  EXPECT_EQ(choose_region({first}, "")->name, "region0");
  for (const char* name : {"region1", "pmem1", "/dev/pmem1"}) {
    EXPECT_EQ(choose_region({first, second}, name)->name, "region1") << name;
  }
  const auto several = choose_region({first, second}, "");
  ASSERT_FALSE(several);
  EXPECT_EQ(several.error().code, ErrorCode::invalid);
  EXPECT_THAT(several.error().message, HasSubstr("region1 (130 MiB at 0x13fe00000)"));
  for (const char* name : {"/dev/sda", "pmem7", "pmem"}) {
    const auto unknown = choose_region({first}, name);
    ASSERT_FALSE(unknown) << name;
    EXPECT_EQ(unknown.error().code, ErrorCode::not_found);
  }
}

}  // namespace
}  // namespace warmdump::test
