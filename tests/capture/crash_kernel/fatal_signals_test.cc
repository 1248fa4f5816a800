#include "capture/crash_kernel/fatal_signals.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace warmdump {
namespace {

constexpr int kNotRecorded = 41;

bool is_recorded = false;
int recorded_errno = 0;

void record(const Error& error) {
  is_recorded = error.code == ErrorCode::crashed;
  recorded_errno = error.system_errno;
}
void last_act() {
  ::_exit(is_recorded ? recorded_errno : kNotRecorded);
}

// Sanitizers take signals and stacks for themselves.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kSignalsAreOurs = false;
#else
constexpr bool kSignalsAreOurs = true;
#endif

class FatalSignals : public testing::Test {
 protected:
  void SetUp() override {
    if (!kSignalsAreOurs) GTEST_SKIP() << "the sanitizers of this build handle faults themselves";
    const rlimit no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
  }
};

TEST_F(FatalSignals, EverySignalLeadsToTheLastAct) {
  const struct {
    int signal;
    int exit_code;
  } cases[] = {{SIGSEGV, EFAULT}, {SIGBUS, EIO}, {SIGILL, ENOEXEC}, {SIGFPE, EDOM}, {SIGABRT, EINTR}};
  for (const auto& test : cases) {
    EXPECT_EXIT(
        {
          handle_fatal_signals(record, last_act);
          ::raise(test.signal);
        },
        testing::ExitedWithCode(test.exit_code), fatal_signal_name(test.signal).data());
  }
}

TEST_F(FatalSignals, ARealFaultNamesItsAddress) {
  EXPECT_EXIT(
      {
        handle_fatal_signals(record, last_act);
        *reinterpret_cast<volatile int*>(0x1234) = 1;
      },
      testing::ExitedWithCode(EFAULT), "SIGSEGV at address 0x1234, instruction 0x");
}

// Deep enough to run off any stack; every frame is used behind the call, so it stays one.
[[gnu::noinline]] int recurse(volatile char* caller, unsigned depth) {
  volatile char frame[4096];
  frame[0] = caller != nullptr ? *caller : '\0';
  return depth == 0 ? 0 : recurse(frame, depth - 1) + frame[0];
}

TEST_F(FatalSignals, AStackThatRanOverIsNoObstacle) {
  EXPECT_EXIT(
      {
        handle_fatal_signals(record, last_act);
        ::_exit(recurse(nullptr, 1U << 30));
      },
      testing::ExitedWithCode(EFAULT), "SIGSEGV");
}

TEST_F(FatalSignals, AFaultWhileRecordingStillEndsTheMachine) {
  EXPECT_EXIT(
      {
        handle_fatal_signals([](const Error&) { ::raise(SIGSEGV); }, last_act);
        ::raise(SIGFPE);
      },
      testing::ExitedWithCode(kNotRecorded), "SIGFPE");
}

TEST_F(FatalSignals, AFaultInTheLastActEndsTheProcess) {
  EXPECT_EXIT(
      {
        handle_fatal_signals(record, [] { ::raise(SIGSEGV); });
        ::raise(SIGFPE);
      },
      testing::ExitedWithCode(1), "SIGFPE");
}

}  // namespace
}  // namespace warmdump
