// The uploader dies at every step: killed, or with the power of the machine. The next run ends with every
// object whole, none missing, none double, and at most one piece sent again.

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/upload/queue_fixture.h"

namespace warmdump {
namespace {

constexpr unsigned kObjects = 2 * 5;
constexpr std::size_t kDumpBytes = 3 * 1000 + 1;

struct PowerCut {};

// Every step that changes the state files, and every request to the server, is counted; `at` is called at the
// n-th.
class Steps {
 public:
  explicit Steps(unsigned last, std::function<void()> at) : left_(last), at_(std::move(at)) {}
  void count() {
    if (left_-- == 0) at_();
  }

 private:
  unsigned left_;
  std::function<void()> at_;
};

class StepwiseState final : public StateFiles {
 public:
  StepwiseState(StateFiles& files, Steps& steps) : files_(files), steps_(steps) {}

  Outcome<UniqueFd> lock() override { return files_.lock(); }
  Outcome<std::vector<std::string>> names() override { return files_.names(); }
  Outcome<std::optional<std::string>> read(const std::string& name, ByteCount size_max) override {
    return files_.read(name, size_max);
  }
  Outcome<void> write(const std::string& name, std::string_view text) override {
    steps_.count();
    return files_.write(name, text);
  }
  Outcome<void> flush(const std::string& name) override {
    steps_.count();
    return files_.flush(name);
  }
  Outcome<void> rename(const std::string& from, const std::string& to) override {
    steps_.count();
    return files_.rename(from, to);
  }
  Outcome<void> remove(const std::string& name) override {
    steps_.count();
    return files_.remove(name);
  }
  Outcome<void> flush_names() override {
    steps_.count();
    return files_.flush_names();
  }

 private:
  StateFiles& files_;
  Steps& steps_;
};

class QueueDeath : public QueueTest {
 protected:
  QueueDeath() {
    add_dump("a", "w1-x", kDumpBytes);
    add_dump("b", "w1-y", kDumpBytes);
    options.limits.bytes = 1'000'000'000;  // so that the journal is stored with every piece, too
  }

  // False when the run came to its end before the n-th step.
  bool run_until(unsigned step, StateFiles& state_files, const std::function<void()>& death) {
    bool has_died = false;
    Steps steps(step, [&] {
      has_died = true;
      death();
    });
    StepwiseState stepwise(state_files, steps);
    FolderServer mortal(temporary / "server", kPiece);
    mortal.fault = [&](auto, const std::string&) {
      steps.count();
      return std::optional<SendFailure>();
    };
    QueueSeams seams{mortal, stepwise, clock, progress, boot_id, {}, random};
    try {
      EXPECT_TRUE(run_queue(options, seams));
    } catch (const PowerCut&) {
    }
    return has_died;
  }

  void expect_all_whole(unsigned step) {
    unsigned right = 0;
    for (const auto& [key, bytes] : server.objects()) {
      const auto name = key.substr(key.rfind('/') + 1);
      const auto dump = key.substr(key.find('/') + 1, 1);
      if (name == "manifest.json" || name == "manifest-report.json") {
        EXPECT_THAT(bytes, testing::HasSubstr("\"dump\": \"" + dump + "\"")) << step;
      } else {
        EXPECT_EQ(bytes, read_file(spool / dump / name)) << step << " " << key;
      }
      ++right;
    }
    EXPECT_EQ(right, kObjects) << step;
    std::map<std::string, int> times;
    for (const auto& line : server.log("finish")) ++times[line];
    for (const auto& [line, count] : times) EXPECT_EQ(count, 1) << step << " " << line;
    std::map<std::string, int> sends;
    int again = 0;
    for (const auto& line : server.log("send")) ++sends[line];
    for (const auto& [line, count] : sends) {
      const int wanted = line.find("/vmcore 1000") != line.npos ? 3 : 1;
      again += std::max(count - wanted, 0);
    }
    EXPECT_LE(again, 1) << step;
    for (const auto& record : records_now()) {
      EXPECT_EQ(record.state, DumpState::done) << step << " " << record.name;
      EXPECT_EQ(record.deaths, 0u) << step;
    }
    EXPECT_LE(server.sessions(), 1u) << step << ": an orphan of a session that was never stored";
  }

  std::vector<DumpRecord> records_now() {
    std::vector<std::string> untold;
    auto found = RecordStore(files ? *files : static_cast<StateFiles&>(state)).all(untold);
    EXPECT_TRUE(found);
    EXPECT_THAT(untold, testing::IsEmpty());
    return std::move(*found);
  }

  void begin_anew() {
    std::filesystem::remove_all(temporary / "server");
    std::filesystem::remove_all(temporary / "state");
    server = FolderServer(temporary / "server", kPiece);
  }

  std::unique_ptr<StateFiles> files;
};

TEST_F(QueueDeath, by_sigkill_of_a_real_process_at_every_step) {
  unsigned step = 0;
  for (;; ++step) {
    begin_anew();
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      auto own = open_state_directory(temporary / "state");
      const bool died = own && run_until(step, **own, [] { raise(SIGKILL); });
      _exit(died ? 1 : 0);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    const bool was_killed = WIFSIGNALED(status);
    ASSERT_TRUE(was_killed || (WIFEXITED(status) && WEXITSTATUS(status) == 0)) << step;
    auto opened = open_state_directory(temporary / "state");
    ASSERT_TRUE(opened);
    files = std::move(*opened);
    QueueSeams seams{server, *files, clock, progress, boot_id, {}, random};
    const auto report = run_queue(options, seams);
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(report->end, QueueEnd::finished) << step;
    expect_all_whole(step);
    if (!was_killed || HasFailure()) break;
  }
  EXPECT_GT(step, 100u) << "there are that many steps at least";
  RecordProperty("kills", static_cast<int>(step));
  std::printf("killed at each of %u steps\n", step);
}

TEST_F(QueueDeath, with_the_power_of_the_machine_at_every_step) {
  unsigned step = 0;
  for (;; ++step) {
    begin_anew();
    state = MemoryStateFiles();
    boot_id = "boot-1";
    const bool was_cut = run_until(step, state, [] { throw PowerCut(); });
    state.cut_power();
    boot_id = "boot-2";
    EXPECT_EQ(run().end, QueueEnd::finished) << step;
    expect_all_whole(step);
    if (!was_cut || HasFailure()) break;
  }
  EXPECT_GT(step, 100u);
  std::printf("power cut at each of %u steps\n", step);
}

}  // namespace
}  // namespace warmdump
