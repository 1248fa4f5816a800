#include "arm/status/status_report.h"

#include <gmock/gmock.h>

#include "tests/arm/status/status_machine.h"

namespace warmdump {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(StatusReport, yes_without_more_to_say) {
  EXPECT_EQ(answer_text(StatusMachine().report()),
            "YES, a panic now leaves a dump that the next boot recovers");
}

TEST(StatusReport, yes_tells_how_many_warnings_there_are) {
  StatusMachine machine;
  machine.write("/proc/sys/kernel/panic_on_oops", "0\n");
  EXPECT_THAT(answer_text(machine.report()), HasSubstr(", with 1 warning"));
  machine.remove("/run/systemd");
  machine.remove("/var/lib/warmdump/selftest.json");
  EXPECT_THAT(answer_text(machine.report()),
              HasSubstr(", with 2 warnings and 1 check that could not be made"));
}

TEST(StatusReport, no_gives_the_first_reason) {
  StatusMachine machine;
  machine.write("/sys/kernel/kexec_crash_loaded", "0\n");
  machine.set_free_space(0);
  const StatusReport report = machine.report();
  EXPECT_EQ(report.captured, false);
  EXPECT_EQ(report.reason, "loaded: no crash kernel is loaded");
  EXPECT_THAT(answer_text(report), StartsWith("NO, "));
}

TEST(StatusReport, without_root_nobody_can_tell) {
  StatusMachine machine;
  machine.write("/proc/iomem", machines::kWithoutRoot);
  const StatusReport report = machine.report();
  EXPECT_EQ(report.captured, std::nullopt);
  EXPECT_THAT(answer_text(report), StartsWith("CANNOT TELL "));
  EXPECT_THAT(report.reason, HasSubstr("root"));
}

TEST(StatusReport, a_failed_check_is_certain_whatever_else_is_unknown) {
  StatusMachine machine;
  machine.write("/proc/iomem", machines::kWithoutRoot);
  machine.write("/sys/kernel/kexec_crash_loaded", "0\n");
  EXPECT_EQ(machine.report().captured, false);
}

TEST(StatusReport, an_empty_machine_is_no_reason_to_fall_over) {
  const test::TemporaryDirectory empty;
  const MachineFiles files(empty.path());
  const auto no_space = [](const std::string&) { return std::optional<ByteCount>(); };
  EXPECT_NE(judge_status(gather_status_facts(files, no_space)).captured, true);
}

}  // namespace
}  // namespace warmdump
