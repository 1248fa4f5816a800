// A reader that was taken over by what it reads: each thing it may try, and what recovery hears of it.

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cstring>
#include <fstream>
#include <vector>

#include "common/file_device.h"
#include "recover/sandbox/sanitizer_build.h"
#include "tests/recover/sandbox/sandbox_fixture.h"
#include "tests/support/memory_device.h"

namespace warmdump {
namespace {

using testing::StartsWith;

constexpr const char* kStoppedByFilter =
    "the process that reads the dump was stopped at a system call that it must not make; the dump stays on "
    "the "
    "region";

std::string tried(long result) {
  return result >= 0 ? "done" : fmt::format("not done: {}", std::strerror(errno));
}

class HostileReader : public testing::TestWithParam<test::RunAs> {
 protected:
  // What identify() fails with when `act` is done in the reader.
  static std::string told_of(const test::TakenOver::Act& act,
                             const std::function<void(SandboxOptions&)>& change = {}) {
    return test::run_as(GetParam(), [&](const std::filesystem::path& spool) {
      SandboxOptions options;
      options.spool = spool;
      options.user = "nobody";
      if (change) change(options);
      test::TakenOver inner(act);
      SandboxedExtractor extractor(inner, options);
      const test::MemoryDevice region(64 * kKiB);
      const auto identity = extractor.identify(region);
      const bool leaves_room = std::filesystem::exists(spool / ".reading");
      const bool has_escaped = std::filesystem::exists(spool / "warmdump-escaped");
      return (identity.has_value() ? "believed" : identity.error().message) +
             (leaves_room ? " and its room" : "") + (has_escaped ? " and a file outside" : "");
    });
  }

  static void expect_told(const std::string& told, const testing::Matcher<std::string>& expected) {
    if (told != "skipped") {
      EXPECT_THAT(told, expected);
    }
  }

  static void expect_killed_by_filter(const std::function<long()>& call) {
    expect_told(told_of([&](const Device&) { return tried(call()); }), kStoppedByFilter);
  }
};

// ---- files ----

TEST_P(HostileReader, sees_no_file_of_the_system) {
  for (const char* path : {"/etc/passwd", "../etc/passwd", "../../../../../../etc/passwd",
                           "/proc/self/status", "/sys/kernel/notes", "/dev/null", "/usr/bin"}) {
    const std::string told = told_of([&](const Device&) { return tried(::open(path, O_RDONLY)); });
    expect_told(told, StartsWith("not done: "));
  }
}

TEST_P(HostileReader, makes_no_file_outside_of_its_room) {
  for (const char* path : {"/tmp/warmdump-escaped", "/var/tmp/warmdump-escaped", "../warmdump-escaped"}) {
    const std::string told =
        told_of([&](const Device&) { return tried(::open(path, O_WRONLY | O_CREAT, 0600)); });
    // Where its room is its root, ".." is the room itself.
    const bool may_be_in_room = path[0] == '.' && told == "done";
    if (!may_be_in_room) expect_told(told, StartsWith("not done: "));
  }
}

TEST_P(HostileReader, makes_no_links_pipes_and_devices) {
  expect_killed_by_filter([] { return ::symlink("/etc/passwd", "vmcore"); });
  expect_killed_by_filter([] { return ::link("a", "b"); });
  expect_killed_by_filter([] { return ::mknod("sda", S_IFBLK | 0600, 0x800); });
  expect_killed_by_filter([] { return ::mkfifo("pipe", 0600); });
  expect_killed_by_filter([] { return ::chmod(".", 0777); });
}

TEST_P(HostileReader, makes_no_file_larger_than_a_file_system_takes) {
  const std::string told = told_of([](const Device&) {
    const int fd = ::open("vmcore", O_WRONLY | O_CREAT, 0600);
    return tried(fd < 0 ? fd : ::ftruncate(fd, static_cast<off_t>(kFileSizeMax) + 1));
  });
  if (told == "skipped") GTEST_SKIP() << "needs root";
  EXPECT_THAT(told,
              StartsWith("the process that reads the dump was stopped at a file of more than 16384 GiB"));
}

TEST_P(HostileReader, does_not_write_to_the_region) {
  const std::string told = test::run_as(GetParam(), [&](const std::filesystem::path& spool) -> std::string {
    const auto path = spool / "region";
    std::ofstream(path) << std::string(64 * kKiB, 'r');
    FileDevice region;
    if (!region.open(path.c_str(), FileDevice::Access::read_write)) return "no region";
    test::TakenOver inner([](const Device& reads) {
      std::array<std::byte, 16> bytes{};
      std::string result = reads.read_at(0, bytes) && bytes[0] == std::byte{'r'} ? "read" : "not read";
      if (const_cast<Device&>(reads).write_at(0, bytes)) result += ", written";
      for (int fd = 0; fd < 64; ++fd) {
        if (::pwrite(fd, "x", 1, 0) == 1) {
          struct stat status {};
          ::fstat(fd, &status);
          if (S_ISREG(status.st_mode)) result += ", written by descriptor";
        }
      }
      return result;
    });
    SandboxOptions options;
    options.spool = spool;
    options.user = "nobody";
    SandboxedExtractor extractor(inner, options);
    const auto identity = extractor.identify(region);
    std::ifstream file(path);
    const std::string now{std::istreambuf_iterator<char>(file), {}};
    return (identity.has_value() ? "believed" : identity.error().message) +
           (now == std::string(64 * kKiB, 'r') ? "" : ", and the region changed");
  });
  expect_told(told, "read");
}

TEST_P(HostileReader, has_no_descriptor_but_region_and_socket_and_no_environment) {
  const int leaked = ::open("/etc/passwd", O_RDONLY);
  ::setenv("WARMDUMP_TEST", "leaked", 1);
  const std::string told = told_of([](const Device&) {
    std::string open;
    for (int fd = 0; fd < 64; ++fd) {
      struct stat status {};
      if (::fstat(fd, &status) != 0) continue;
      if (S_ISSOCK(status.st_mode)) {
        open += " socket";
      } else if (fd > 2) {
        open += fmt::format(" {}", fd);
      }
    }
    return open + (environ == nullptr ? "" : " environment");
  });
  ::close(leaked);
  expect_told(told, " socket");
}

// ---- the system ----

TEST_P(HostileReader, gets_no_network) {
  expect_killed_by_filter([] { return ::socket(AF_INET, SOCK_STREAM, 0); });
  expect_killed_by_filter([] { return ::socket(AF_UNIX, SOCK_STREAM, 0); });
  expect_killed_by_filter([] { return ::syscall(SYS_io_uring_setup, 1, nullptr); });
}

TEST_P(HostileReader, starts_no_process) {
  expect_killed_by_filter([] { return ::fork(); });
  expect_killed_by_filter([] { return ::syscall(SYS_vfork); });
  expect_killed_by_filter([] { return ::execl("/bin/true", "true", nullptr); });
  // The C library asks clone3 first; that it is not there must not be a way around.
  const std::string told = told_of([](const Device&) { return tried(::syscall(SYS_clone3, nullptr, 0)); });
  expect_told(told, "not done: Function not implemented");
}

TEST_P(HostileReader, touches_no_other_process) {
  expect_killed_by_filter([] { return ::ptrace(PTRACE_ATTACH, ::getpid(), nullptr, nullptr); });
  expect_killed_by_filter([] { return ::kill(1, SIGTERM); });
  expect_killed_by_filter([] { return ::syscall(SYS_process_vm_readv, 1, nullptr, 0, nullptr, 0, 0); });
}

TEST_P(HostileReader, gets_no_rights_back) {
  expect_killed_by_filter([] { return ::setuid(0); });
  expect_killed_by_filter([] { return ::syscall(SYS_unshare, 0x10000000); });
  expect_killed_by_filter([] { return ::syscall(SYS_mount, "a", "b", "tmpfs", 0, nullptr); });
  expect_killed_by_filter([] { return ::chroot("."); });
  expect_killed_by_filter([] { return ::syscall(SYS_bpf, 0, nullptr, 0); });
  expect_killed_by_filter([] { return ::syscall(SYS_keyctl, 0, 0, 0, 0, 0); });
  // The same numbers mean other calls with the bit of x32.
  expect_killed_by_filter([] { return ::syscall(0x40000000 | SYS_getpid); });
}

TEST_P(HostileReader, makes_no_memory_executable_or_shared) {
  expect_killed_by_filter([] {
    return ::mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1
                                                                                                          : 0;
  });
  expect_killed_by_filter([] {
    return ::mmap(nullptr, 4096, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0;
  });
}

TEST_P(HostileReader, takes_no_more_memory_than_it_may) {
  if (kIsSanitizerBuild) GTEST_SKIP() << "AddressSanitizer maps terabytes for itself: no limit holds then";
  for (const std::size_t piece : {std::size_t{64} * kGiB, std::size_t{kMiB}}) {
    const std::string told = told_of([&](const Device&) {
      std::vector<std::vector<char>> pieces;
      for (std::size_t bytes = 0; bytes < 64 * kGiB; bytes += piece) {
        pieces.emplace_back();
        pieces.back().reserve(piece);
      }
      return "took it";
    });
    if (told == "skipped") continue;
    EXPECT_EQ(told,
              "the process that reads the dump needs more memory than the 4096 MiB that it may have; the "
              "dump stays "
              "on the region");
  }
}

// ---- what it says ----

TEST_P(HostileReader, is_not_believed_when_it_talks_rubbish) {
  const auto says = [](const std::string& bytes) {
    return [bytes](const Device&) {
      (void)!::write(test::own_socket(), bytes.data(), bytes.size());
      for (;;) ::sleep(1);
      return std::string();
    };
  };
  using test::framed;
  struct Case {
    std::string bytes;
    std::string told;
  };
  for (const Case& c : {
           Case{"rubbish!", "sent a message of 1650619762 bytes, and may send 65536"},
           Case{framed("{\"type\":"), "sent something that is no message"},
           Case{framed("[1,2]"), "sent something that is no message"},
           Case{framed(std::string("{\"type\":\"identity\xff\"}")), "sent something that is no message"},
           Case{framed("{}"), "gave no answer to what it was asked"},
           Case{framed("{\"type\":\"extracted\"}"), "gave no answer to what it was asked"},
           Case{framed("{\"type\":\"identity\",\"found\":1}"), "sent a message with a wrong \"found\""},
           Case{framed("{\"type\":\"identity\",\"found\":true,\"id\":\"../../etc/cron\"}"),
                "sent a message with a wrong \"id\""},
           Case{framed("{\"type\":\"failure\",\"code\":99,\"errno\":0,\"message\":\"\"}"),
                "sent a message with a wrong \"code\""},
           Case{framed("{\"type\":\"failure\",\"code\":1,\"errno\":-1,\"message\":\"\"}"),
                "sent a message with a wrong \"errno\""},
       }) {
    const std::string told = told_of(says(c.bytes));
    if (told == "skipped") continue;
    EXPECT_EQ(told,
              "the process that reads the dump " + c.told + ", and was killed; the dump stays on the region");
  }
}

TEST_P(HostileReader, is_killed_when_it_floods) {
  const std::string told = told_of([](const Device&) {
    const std::string alive = std::string("\x10\0\0\0", 4) + "{\"type\":\"alive\"}";
    for (;;) (void)!::write(test::own_socket(), alive.data(), alive.size());
    return std::string();
  });
  if (told == "skipped") return;
  EXPECT_EQ(told,
            "the process that reads the dump sent more than 1000 messages in a second, and was killed; the "
            "dump stays "
            "on the region");
}

TEST_P(HostileReader, is_killed_when_it_hangs) {
  const std::string told = told_of(
      [](const Device&) {
        for (;;) ::sleep(1);
        return std::string();
      },
      [](SandboxOptions& options) { options.limits.silence = std::chrono::seconds(1); });
  if (told == "skipped") return;
  EXPECT_EQ(
      told,
      "the process that reads the dump gave no sign of life for 1 s, and was killed; the dump stays on the "
      "region");
}

TEST_P(HostileReader, is_killed_when_it_only_looks_busy) {
  const std::string told = told_of(
      [](const Device&) {
        const std::string alive = std::string("\x10\0\0\0", 4) + "{\"type\":\"alive\"}";
        const timespec pause{0, 20'000'000};
        for (;; ::nanosleep(&pause, nullptr)) (void)!::write(test::own_socket(), alive.data(), alive.size());
        return std::string();
      },
      [](SandboxOptions& options) { options.limits.total = std::chrono::seconds(1); });
  if (told == "skipped") return;
  EXPECT_EQ(
      told,
      "the process that reads the dump was not done after 1 s, and was killed; the dump stays on the region");
}

TEST_P(HostileReader, that_dies_is_told_with_the_reason) {
  const auto expect_told = [](const test::TakenOver::Act& act, const std::string& how) {
    const std::string told = told_of(act);
    if (told == "skipped") return;
    EXPECT_EQ(told, "the process that reads the dump " + how + "; the dump stays on the region");
  };
  expect_told([](const Device&) -> std::string { ::_exit(3); }, "ended before it was done (exit code 3)");
  expect_told([](const Device&) -> std::string { ::abort(); }, "died of signal 6 (Aborted)");
  if (kIsSanitizerBuild) return;  // it reports the fault itself and exits
  expect_told(
      [](const Device&) {
        volatile std::uintptr_t nowhere = 8;
        *reinterpret_cast<volatile int*>(nowhere) = 1;
        return std::string();
      },
      "died of signal 11 (Segmentation fault)");
}

TEST_P(HostileReader, cannot_draw_on_the_terminal_with_its_texts) {
  const std::string told = told_of([](const Device&) { return "\x1b[2J cleared \n\x07 \xff"; });
  expect_told(told, "?[2J cleared ?? \xef\xbf\xbd");
}

INSTANTIATE_TEST_SUITE_P(Users, HostileReader, testing::Values(test::RunAs::root, test::RunAs::user),
                         test::run_as_name);

}  // namespace
}  // namespace warmdump
