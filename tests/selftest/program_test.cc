#include "selftest/program.h"

#include <gmock/gmock.h>

namespace warmdump {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;

TEST(RunProgram, HandsOnArgumentsOutputAndExitCode) {
  const auto end =
      run_program("/bin/sh", {"-c", "echo \"$0 $1\"; echo two >&2; exit 7", "a b", "c"}, seconds(60));
  ASSERT_TRUE(end) << end.error().message;
  EXPECT_EQ(end->exit_code, 7);
  EXPECT_EQ(end->output, "a b c\ntwo\n");
}

TEST(RunProgram, HasNothingOnItsInput) {
  const auto end = run_program("/bin/cat", {}, seconds(60));
  ASSERT_TRUE(end) << end.error().message;
  EXPECT_EQ(end->output, "");
}

TEST(RunProgram, KeepsTheFirstBytesOfMuchOutput) {
  const auto end = run_program("/bin/sh", {"-c", "yes | head -c 1000000"}, seconds(60));
  ASSERT_TRUE(end) << end.error().message;
  EXPECT_EQ(end->exit_code, 0);
  EXPECT_EQ(end->output.size(), kProgramOutputMax);
}

TEST(RunProgram, KillsWhatDoesNotEnd) {
  const auto end = run_program("/bin/sleep", {"1000"}, seconds(1));
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code, ErrorCode::timed_out);
}

TEST(RunProgram, TellsOfASignal) {
  const auto end = run_program("/bin/sh", {"-c", "kill -KILL $$"}, seconds(60));
  ASSERT_FALSE(end);
  EXPECT_THAT(end.error().message, HasSubstr("signal 9"));
}

TEST(RunProgram, TellsWhyAProgramCannotBeStarted) {
  EXPECT_EQ(run_program("/nowhere/at/all", {}, seconds(60)).error().code, ErrorCode::not_found);
  EXPECT_EQ(run_program("/etc/passwd", {}, seconds(60)).error().code, ErrorCode::no_permission);
}

TEST(LastLine, IsTheLastOneWithText) {
  EXPECT_EQ(last_line(""), "");
  EXPECT_EQ(last_line("\n\n"), "");
  EXPECT_EQ(last_line("one"), "one");
  EXPECT_EQ(last_line("one\ntwo\n\n"), "two");
}

}  // namespace
}  // namespace warmdump
