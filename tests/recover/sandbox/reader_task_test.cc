// What `show`, `extract` and `decrypt` do with a dump, done by a reader that was taken over: what it sees,
// what it can try, and what becomes of it.

#include "recover/sandbox/reader_task.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "common/hosted/interruption.h"
#include "tests/recover/sandbox/sandbox_fixture.h"

namespace warmdump {
namespace {

using nlohmann::json;
using testing::StartsWith;

constexpr const char* kStoppedByFilter =
    "the process that reads the dump was stopped at a system call that it must not make";

std::string tried(long result) {
  return result >= 0 ? "done" : fmt::format("not done: {}", std::strerror(errno));
}

class HostileTask : public testing::TestWithParam<test::RunAs> {
 protected:
  using Act = std::function<std::string(const Device& region, TaskLink& link)>;
  using Change = std::function<void(ReaderTask& task, const std::filesystem::path& directory)>;

  // What comes of a task whose work is `act`: its result or its failure.
  static std::string told_of(const Act& act, const Change& change = {}) {
    return test::run_as(GetParam(), [&](const std::filesystem::path& directory) -> std::string {
      std::ofstream(directory / "region") << std::string(64 * kKiB, 'r');
      FileDevice region;
      if (!region.open((directory / "region").c_str(), FileDevice::Access::read_only)) return "no region";
      ReaderTask task;
      task.region = &region;
      task.user = "nobody";
      task.needs_secrets = false;
      task.work = [&act](const Device& device, TaskLink& link, const std::filesystem::path&) {
        return Outcome<json>(json{{"told", act(device, link)}});
      };
      if (change) change(task, directory);
      const auto answer = run_reader_task(task);
      if (!answer.has_value()) return answer.error().message;
      return answer->answer.value("told", "nothing");
    });
  }

  static void expect_told(const std::string& told, const testing::Matcher<std::string>& expected) {
    if (told != "skipped") {
      EXPECT_THAT(told, expected);
    }
  }

  static void expect_killed_by_filter(const std::function<long()>& call) {
    expect_told(told_of([&](const Device&, TaskLink&) { return tried(call()); }), kStoppedByFilter);
  }
};

TEST_P(HostileTask, reads_the_region_and_no_file_of_the_system) {
  expect_told(
      told_of([](const Device& region, TaskLink&) {
        std::array<std::byte, 4> bytes{};
        return std::string(region.read_at(0, bytes) && bytes[0] == std::byte{'r'} ? "read" : "not read");
      }),
      "read");
  for (const char* path : {"/etc/passwd", "../etc/passwd", "/proc/self/status", "/proc/self/maps",
                           "/dev/null", "region", ".", "/"}) {
    expect_told(told_of([&](const Device&, TaskLink&) {
                  const int fd = ::open(path, O_RDONLY);
                  // An empty directory of its own is all that it may find.
                  return tried(fd < 0 ? fd : ::openat(fd, "etc", O_RDONLY));
                }),
                StartsWith("not done: "));
  }
}

TEST_P(HostileTask, writes_to_no_file_by_name) {
  for (const char* path : {"/tmp/warmdump-escaped", "warmdump-escaped", "/warmdump-escaped", "region"}) {
    expect_told(
        told_of([&](const Device&, TaskLink&) { return tried(::open(path, O_WRONLY | O_CREAT, 0600)); }),
        StartsWith("not done: "));
  }
}

TEST_P(HostileTask, has_no_descriptor_but_those_it_was_given_and_no_environment) {
  const int leaked = ::open("/etc/passwd", O_RDONLY);
  ::setenv("WARMDUMP_TEST", "leaked", 1);
  const std::string told = told_of([](const Device&, TaskLink&) {
    std::string open;
    for (int fd = STDERR_FILENO + 1; fd < 64; ++fd) {
      struct stat status {};
      if (::fstat(fd, &status) != 0) continue;
      const bool is_writable = (::fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDONLY;
      open += S_ISSOCK(status.st_mode) ? " socket" : is_writable ? " text" : " region";
    }
    return open + (environ == nullptr ? "" : " environment");
  });
  ::close(leaked);
  expect_told(told, " region text socket");
}

TEST_P(HostileTask, does_not_write_to_the_region) {
  expect_told(told_of([](const Device& region, TaskLink&) {
                std::array<std::byte, 4> bytes{};
                std::string result = const_cast<Device&>(region).write_at(0, bytes) ? "written" : "refused";
                for (int fd = STDERR_FILENO + 1; fd < 64; ++fd) {
                  struct stat status {};
                  const bool is_region = ::fstat(fd, &status) == 0 && status.st_size == 64 * 1024;
                  if (is_region && ::pwrite(fd, "x", 1, 0) == 1) result += ", written by descriptor";
                }
                return result;
              }),
              "refused");
}

TEST_P(HostileTask, gets_no_network_no_process_and_no_rights) {
  expect_killed_by_filter([] { return ::socket(AF_INET, SOCK_STREAM, 0); });
  expect_killed_by_filter([] { return ::socket(AF_UNIX, SOCK_STREAM, 0); });
  expect_killed_by_filter([] { return ::fork(); });
  expect_killed_by_filter([] { return ::execl("/bin/true", "true", nullptr); });
  expect_killed_by_filter([] { return ::kill(::getppid(), SIGTERM); });
  expect_killed_by_filter([] { return ::setuid(0); });
  expect_killed_by_filter([] { return ::syscall(SYS_unshare, 0x10000000); });
  expect_killed_by_filter([] { return ::chroot("."); });
}

TEST_P(HostileTask, gets_nothing_unwrapped_that_nobody_offers_and_no_second_key) {
  const dump_format::KeyBlob blob{};
  expect_told(told_of([&](const Device&, TaskLink& link) { return tried(link.unwrap(blob) ? 0 : -1); }),
              "the process that reads the dump gave no answer to what it was asked, and was killed");
  int unwrapped = 0;
  expect_told(told_of(
                  [&](const Device&, TaskLink& link) {
                    (void)link.unwrap(blob);
                    return tried(link.unwrap(blob) ? 0 : -1);
                  },
                  [&](ReaderTask& task, const std::filesystem::path&) {
                    task.unwrap = [&](const dump_format::KeyBlob&) {
                      ++unwrapped;
                      return Outcome<UnwrappedKeys>(UnwrappedKeys());
                    };
                  }),
              "the process that reads the dump gave no answer to what it was asked, and was killed");
}

TEST_P(HostileTask, is_not_believed_when_it_talks_rubbish) {
  using test::framed;
  struct Case {
    std::string bytes;
    std::string told;
  };
  for (const Case& c :
       {Case{framed("{\"type\":\"answer\"}"), "gave no answer to what it was asked"},
        Case{framed("{\"type\":\"answer\",\"answer\":7}"), "gave no answer to what it was asked"},
        Case{framed("{\"type\":\"progress\",\"stage\":99,\"done\":1,\"total\":1}"),
             "sent a message with a wrong \"stage\""},
        Case{framed("{\"type\":\"progress\",\"stage\":0,\"done\":2,\"total\":1}"),
             "sent a message with a wrong \"done\""},
        Case{"rubbish!", "sent a message of 1650619762 bytes, and may send 65536"}}) {
    const std::string told = told_of([&c](const Device&, TaskLink&) {
      (void)!::write(test::own_socket(), c.bytes.data(), c.bytes.size());
      for (;;) ::sleep(1);
      return std::string();
    });
    if (told == "skipped") continue;
    EXPECT_EQ(told, "the process that reads the dump " + c.told + ", and was killed");
  }
}

TEST_P(HostileTask, that_hangs_or_dies_is_told_with_the_reason) {
  expect_told(told_of(
                  [](const Device&, TaskLink&) {
                    for (;;) ::sleep(1);
                    return std::string();
                  },
                  [](ReaderTask& task, const std::filesystem::path&) {
                    task.limits.silence = std::chrono::seconds(1);
                  }),
              "the process that reads the dump gave no sign of life for 1 s, and was killed");
  expect_told(told_of([](const Device&, TaskLink&) -> std::string { ::_exit(3); }),
              "the process that reads the dump ended before it was done (exit code 3)");
}

TEST_P(HostileTask, fills_one_directory_and_leaves_only_files_in_it) {
  const auto fill = [](ReaderTask& task, const std::filesystem::path& directory) {
    std::filesystem::create_directory(directory / "filled");
    task.directory = directory / "filled";
    task.work = [](const Device&, TaskLink&, const std::filesystem::path& room) -> Outcome<json> {
      std::ofstream(room / "vmcore") << "pages";
      std::ofstream(room / ".." / ".." / "escaped") << "pages";
      return json{{"told", "filled"}};
    };
  };
  const std::string told = test::run_as(GetParam(), [&](const std::filesystem::path& directory) {
    std::ofstream(directory / "region") << std::string(64 * kKiB, 'r');
    FileDevice region;
    if (!region.open((directory / "region").c_str(), FileDevice::Access::read_only))
      return std::string("no region");
    ReaderTask task;
    task.region = &region;
    task.user = "nobody";
    task.needs_secrets = false;
    fill(task, directory);
    const auto answer = run_reader_task(task);
    if (!answer.has_value()) return answer.error().message;
    struct stat status {};
    if (::stat((directory / "filled" / "vmcore").c_str(), &status) != 0) return std::string("no vmcore");
    std::string text = answer->answer.value("told", "");
    if (status.st_uid != ::geteuid() || (status.st_mode & 07777) != 0600) text += ", another owner or mode";
    if (std::filesystem::exists(directory / "filled" / ".reading")) text += ", its room is left";
    if (std::filesystem::exists(directory / "escaped")) text += ", escaped";
    return text;
  });
  expect_told(told, "filled");
}

TEST_P(HostileTask, does_not_outlive_an_interruption_and_leaves_nothing) {
  for (const auto& [signal, name] : {std::pair{SIGINT, "SIGINT"}, {SIGTERM, "SIGTERM"}}) {
    expect_told(told_of(
                    [](const Device&, TaskLink& link) {
                      link.tell_progress(0, 1, 1);
                      for (;;) ::sleep(1);
                      return std::string();
                    },
                    [number = signal](ReaderTask& task, const std::filesystem::path&) {
                      static const InterruptionWatch watch;
                      task.progress = [number](unsigned, ByteCount, ByteCount) { ::raise(number); };
                    }),
                std::string("interrupted by ") + name);
  }
}

// A child that was forked before secrets are read has none but those that it is sent.
TEST_P(HostileTask, is_there_before_its_parent_reads_keys) {
  static int prepared = 0;
  prepared = 0;
  expect_told(told_of([](const Device&, TaskLink&) { return fmt::format("prepared {}", prepared); },
                      [](ReaderTask& task, const std::filesystem::path&) {
                        task.prepare = []() -> Outcome<void> {
                          prepared = 1;
                          return {};
                        };
                      }),
              "prepared 0");
}

INSTANTIATE_TEST_SUITE_P(Users, HostileTask, testing::Values(test::RunAs::root, test::RunAs::user),
                         test::run_as_name);

}  // namespace
}  // namespace warmdump
