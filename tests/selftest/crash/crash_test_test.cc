// The crash test, but for the panic: what it leaves before one, and what the next boot makes of each outcome.

#include "selftest/crash/crash_test.h"

#include <gmock/gmock.h>

#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "common/dump_format/dump_header.h"
#include "recover/report/meta_json.h"
#include "tests/support/temporary_directory.h"

namespace warmdump {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class CrashTest : public testing::Test {
 protected:
  void SetUp() override {
    boot("one");
    write("/sys/kernel/kexec_crash_loaded", "1");
    write("/proc/sys/kernel/osrelease", "6.1.0-test");
    fs::create_directories(spool_);
  }

  void write(const std::string& path, const std::string& text) {
    const fs::path file = root_ + path;
    fs::create_directories(file.parent_path());
    std::ofstream(file) << text << '\n';
  }
  void boot(const std::string& id) { write("/proc/sys/kernel/random/boot_id", id); }

  // A panic: the record is there, and nothing that comes after it happens.
  struct Panicked {};
  void crash() {
    actions_.panic = [this]() -> Outcome<void> {
      const auto record = load_crash_record(state_);
      EXPECT_TRUE(record && *record);
      EXPECT_EQ((*record)->id, armed_id_);
      throw Panicked{};
    };
    EXPECT_THROW((void)crash_on_purpose(files_, state_, actions_), Panicked);
    boot("two");
  }

  fs::path make_dump(const std::string& name, const std::string& test_id, bool complete) {
    const fs::path directory = spool_ / name;
    fs::create_directories(directory);
    DumpSummary summary;
    summary.complete = complete;
    summary.completeness = complete ? "complete" : "incomplete: the region is full";
    if (!test_id.empty()) summary.capture_info[kTestIdFact] = test_id;
    std::ofstream(directory / "meta.json") << to_json(summary);
    return directory;
  }

  fs::path make_encrypted_dump(const std::string& name, const std::string& boot_id,
                               const std::string& authenticity) {
    const fs::path directory = spool_ / name;
    fs::create_directories(directory);
    DumpSummary summary;
    summary.complete = true;
    summary.completeness = "complete";
    summary.encrypted = true;
    summary.authenticity = authenticity;
    if (!boot_id.empty()) summary.capture_info["boot_id"] = boot_id;
    std::ofstream(directory / "meta.json") << to_json(summary);
    return directory;
  }

  Recovery recovered(DumpOutcome outcome, const fs::path& directory = {}) {
    Recovery recovery;
    recovery.dump.emplace();
    recovery.dump->outcome = outcome;
    recovery.dump->directory = directory;
    return recovery;
  }

  CrashResult judge(const Recovery& recovery) {
    const auto result = judge_crash_test(recovery, files_, state_);
    EXPECT_TRUE(result) << result.error().message;
    EXPECT_TRUE(*result);
    EXPECT_FALSE(load_crash_record(state_).value()) << "the test is over";
    const auto stored = state_.load_result("crash");
    EXPECT_EQ((*stored)->at("id"), armed_id_);
    EXPECT_EQ((*stored)->at("verdict"), crash_verdict_name((*result)->verdict));
    EXPECT_THAT(crash_text(**stored), HasSubstr(armed_id_));
    return **result;
  }

  bool is_under_way() { return load_crash_record(state_).value().has_value(); }

  test::TemporaryDirectory temporary_;
  std::string root_ = temporary_.file("machine");
  fs::path spool_ = temporary_ / "spool";
  MachineFiles files_{root_};
  StateDirectory state_{temporary_ / "state"};
  std::string armed_id_;
  int panics_ = 0;
  CrashActions actions_{
      .consent = [] { return Outcome<void>(); },
      .arm =
          [this](const std::string& id) {
            armed_id_ = id;
            return Outcome<void>();
          },
      .check = [] { return Outcome<void>(); },
      .panic =
          [this] {
            ++panics_;
            return Outcome<void>();
          },
  };
};

TEST_F(CrashTest, TheDumpOfThatCrashCameBack) {
  crash();
  const CrashResult result =
      judge(recovered(DumpOutcome::extracted, make_dump("machine-1", armed_id_, true)));
  EXPECT_EQ(result.verdict, CrashVerdict::found_complete);
  EXPECT_EQ(result.directory, spool_ / "machine-1");
  EXPECT_EQ(result.machine.at("kernel"), "6.1.0-test");
  EXPECT_FALSE(*judge_crash_test(recovered(DumpOutcome::none), files_, state_)) << "once only";
}

// With a fleet key the machine itself cannot read the id; which boot crashed it can.
TEST_F(CrashTest, an_encrypted_dump_is_known_by_its_boot_and_its_seal) {
  struct Case {
    const char* boot_id;
    const char* authenticity;
    CrashVerdict verdict;
  };
  for (const Case& c : {Case{"one", "sealed", CrashVerdict::found_complete},
                        Case{"zero", "sealed", CrashVerdict::another_dump},
                        Case{"one", "unchecked", CrashVerdict::another_dump},
                        Case{"", "sealed", CrashVerdict::another_dump}}) {
    boot("one");
    crash();
    const fs::path directory = make_encrypted_dump("machine-1", c.boot_id, c.authenticity);
    const CrashResult result = judge(recovered(DumpOutcome::extracted, directory));
    EXPECT_EQ(result.verdict, c.verdict) << c.boot_id << ' ' << c.authenticity;
    EXPECT_EQ(result.directory, directory);
  }
}

TEST_F(CrashTest, an_encrypted_dump_is_found_in_the_spool_later) {
  crash();
  make_encrypted_dump("machine-0", "zero", "sealed");
  EXPECT_FALSE(*find_crash_dump(spool_, files_, state_));
  const fs::path directory = make_encrypted_dump("machine-1", "one", "sealed");
  const auto result = find_crash_dump(spool_, files_, state_);
  ASSERT_TRUE(result && *result);
  EXPECT_EQ((*result)->directory, directory);
  EXPECT_EQ((*result)->verdict, CrashVerdict::found_complete);
}

TEST_F(CrashTest, ItCameBackWithLess) {
  crash();
  const CrashResult result =
      judge(recovered(DumpOutcome::already_saved, make_dump("machine-1", armed_id_, false)));
  EXPECT_EQ(result.verdict, CrashVerdict::found_partial);
  EXPECT_THAT(result.text, HasSubstr("the region is full"));
}

TEST_F(CrashTest, AnotherDumpCameBack) {
  for (const char* id : {"", "0123456789abcdef"}) {
    boot("one");
    crash();
    const CrashResult result = judge(recovered(DumpOutcome::extracted, make_dump("machine-2", id, true)));
    EXPECT_EQ(result.verdict, CrashVerdict::another_dump);
    EXPECT_THAT(result.text, HasSubstr(id));
  }
}

TEST_F(CrashTest, TheCaptureSaidWhyItCouldNot) {
  crash();
  Recovery recovery = recovered(DumpOutcome::nothing_stored);
  recovery.dump->header = dump_format::make_header(0, 64 * kMiB);
  recovery.dump->header->error_code = static_cast<std::uint32_t>(ErrorCode::not_found);
  std::strcpy(reinterpret_cast<char*>(recovery.dump->header->error_text), "no VMCOREINFO in the vmcore");
  const CrashResult result = judge(recovery);
  EXPECT_EQ(result.verdict, CrashVerdict::no_dump);
  EXPECT_THAT(result.text, HasSubstr("no VMCOREINFO in the vmcore"));
}

TEST_F(CrashTest, TheRegionIsUntouchedOrLost) {
  crash();
  CrashResult result = judge(recovered(DumpOutcome::none));
  EXPECT_EQ(result.verdict, CrashVerdict::no_dump);
  EXPECT_THAT(result.text, HasSubstr("did not come up"));

  boot("one");
  crash();
  Recovery recovery = recovered(DumpOutcome::none);
  recovery.dump->formatted = true;
  result = judge(recovery);
  EXPECT_EQ(result.verdict, CrashVerdict::no_dump);
  EXPECT_THAT(result.text, HasSubstr("did not survive"));
}

TEST_F(CrashTest, SaysNothingBeforeTheCrashOrWithoutALookAtTheRegion) {
  crash();
  boot("one");
  EXPECT_FALSE(*judge_crash_test(recovered(DumpOutcome::none), files_, state_));
  EXPECT_FALSE(*find_crash_dump(spool_, files_, state_));
  boot("two");
  EXPECT_FALSE(*judge_crash_test(Recovery(), files_, state_));
  EXPECT_FALSE(*find_crash_dump(spool_, files_, state_));
  EXPECT_TRUE(is_under_way());
}

TEST_F(CrashTest, IsFoundInTheSpoolLater) {
  crash();
  make_dump("machine-1", "", true);
  make_dump("machine-2", "0123456789abcdef", true);
  fs::create_directories(spool_ / "machine-3-incomplete");
  EXPECT_FALSE(*find_crash_dump(spool_, files_, state_));
  make_dump("machine-4", armed_id_, true);
  const auto found = find_crash_dump(spool_, files_, state_);
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->verdict, CrashVerdict::found_complete);
  EXPECT_EQ((*found)->directory, spool_ / "machine-4");
  EXPECT_FALSE(is_under_way());
}

TEST_F(CrashTest, DoesNotPanicWhenArmingFails) {
  actions_.arm = [](const std::string&) { return Failure(ErrorCode::refused, "no region"); };
  const auto done = crash_on_purpose(files_, state_, actions_);
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().message, HasSubstr("no region"));
  EXPECT_EQ(panics_, 0);
  EXPECT_FALSE(is_under_way());
}

TEST_F(CrashTest, DoesNotPanicWithoutACrashKernel) {
  write("/sys/kernel/kexec_crash_loaded", "0");
  EXPECT_EQ(crash_on_purpose(files_, state_, actions_).error().code, ErrorCode::refused);
  EXPECT_EQ(panics_, 0);
  EXPECT_FALSE(is_under_way());
}

TEST_F(CrashTest, DoesNotPanicForADumpThatWouldBeLost) {
  actions_.check = [] { return Failure(ErrorCode::refused, "NO"); };
  EXPECT_EQ(crash_on_purpose(files_, state_, actions_).error().message, "NO");
  EXPECT_EQ(panics_, 0);
  EXPECT_EQ(armed_id_, "") << "a real crash later must not pass for the test's";
  EXPECT_FALSE(is_under_way());
}

TEST_F(CrashTest, DoesNotPanicWithoutConsentOrARecord) {
  actions_.consent = [] { return Failure(ErrorCode::refused, "not confirmed"); };
  EXPECT_EQ(crash_on_purpose(files_, state_, actions_).error().message, "not confirmed");
  EXPECT_EQ(armed_id_, "");
  actions_.consent = [] { return Outcome<void>(); };
  std::ofstream(temporary_ / "state") << "a file where the directory should be";
  EXPECT_FALSE(crash_on_purpose(files_, state_, actions_));
  EXPECT_EQ(panics_, 0);
}

TEST_F(CrashTest, AKernelThatDoesNotPanicIsAFailure) {
  EXPECT_EQ(crash_on_purpose(files_, state_, actions_).error().code, ErrorCode::io);
  EXPECT_EQ(panics_, 1);
  EXPECT_EQ(armed_id_, "") << "a real crash later must not pass for the test's";
  EXPECT_FALSE(is_under_way());
}

TEST_F(CrashTest, NotesThatCannotBeReadAreNamed) {
  crash();
  for (const char* text : {"", "{}", "{\"schema\": 1}", "{\"schema\": 1, \"id\": 5}"}) {
    std::ofstream(state_.path_of(kCrashTestFile)) << text;
    const auto result = judge_crash_test(recovered(DumpOutcome::none), files_, state_);
    ASSERT_FALSE(result) << text;
    EXPECT_THAT(result.error().message, HasSubstr(kCrashTestFile));
  }
}

}  // namespace
}  // namespace warmdump
