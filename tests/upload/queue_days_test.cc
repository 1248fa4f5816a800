// Days and weeks of the queue in virtual time: a timer every 15 minutes, crashes, reboots, a server and a
// link that fail at random. Limits hold, nothing is lost, nothing is sent twice, nothing starves. Seeds are
// printed.

#include <map>
#include <random>

#include "tests/upload/queue_fixture.h"
#include "upload/policy/start_spread.h"

namespace warmdump {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

class QueueDays : public QueueTest {
 protected:
  // Bytes that arrived, by the second.
  using Received = std::vector<std::pair<std::int64_t, ByteCount>>;
  void expect_limit_of_24_hours(const Received& received) const {
    for (std::size_t last = 0; last < received.size(); ++last) {
      ByteCount bytes = 0;
      for (std::size_t i = 0; i <= last; ++i) {
        if (received[last].first - received[i].first < 24 * 3600) bytes += received[i].second;
      }
      EXPECT_LE(bytes, options.limits.bytes) << "at " << received[last].first;
    }
  }

  void begin(unsigned with_seed) {
    seed = with_seed;
    std::printf("seed %u\n", seed);
    engine.seed(seed);
    random = [this] { return std::uniform_real_distribution<double>(0, 1)(engine); };
    clock.before_wait = nullptr;
    server.fault = [this](auto request, const std::string& key) { return fault(request, key); };
    options.limits = {24'000, 6, 3};
  }

  double draw() { return random(); }

  std::optional<SendFailure> fault(FolderServer::Request request, const std::string& key) {
    requests.push_back(seconds_now());
    if (request == FolderServer::Request::send) {
      sent.push_back({seconds_now(), key});
    }
    const double luck = draw();
    if (is_down || luck < 0.05) {
      SendFailure failure(Failure(ErrorCode::io, "connection reset"), Remedy::wait);
      if (luck < 0.01) failure.retry_after = seconds(static_cast<int>(luck * 400'000));
      return failure;
    }
    if (luck < 0.06) return SendFailure(Failure(ErrorCode::not_found, "no such upload"), Remedy::begin_again);
    if (luck < 0.065) return SendFailure(Failure(ErrorCode::io, "expired token"), Remedy::change_sink);
    return {};
  }

  std::int64_t seconds_now() const {
    return std::chrono::duration_cast<seconds>(clock.time - VirtualClock::kStart).count();
  }

  // Another boot: the clock of day may be wrong for a while, which the test's own time does not see.
  void reboot() {
    boot_id = "boot-" + std::to_string(++boots);
    clock.start = clock.time;
    clock.uptime = seconds(20);
  }

  void expect_limits() {
    for (std::size_t first = 0, last = 0; last < sent.size(); ++last) {
      while (sent[last].at - sent[first].at >= 24 * 3600) ++first;
      std::map<std::string, int> pages;
      for (std::size_t i = first; i <= last; ++i) {
        if (sent[i].key.ends_with("/vmcore")) ++pages[sent[i].key];
      }
      ASSERT_LE(pages.size(), options.limits.dumps) << "seed " << seed << " at " << sent[last].at;
    }
  }

  struct Sent {
    std::int64_t at;
    std::string key;
  };
  unsigned seed = 0;
  std::mt19937_64 engine;
  bool is_down = false;
  int boots = 1;
  std::vector<Sent> sent;
  std::vector<std::int64_t> requests;
};

class QueueDaysSeeds : public QueueDays, public testing::WithParamInterface<unsigned> {};

TEST_P(QueueDaysSeeds, ten_days_of_crashes_over_a_bad_link) {
  begin(GetParam());
  constexpr int kRunsADay = 24 * 4;
  int crashes = 0;
  for (int run_number = 0; run_number < 10 * kRunsADay; ++run_number) {
    clock.time += minutes(15);
    if (crashes < 14 && draw() < 0.03) {
      const auto signature = "w1-" + std::to_string(static_cast<int>(draw() * 6));
      add_dump("d" + std::to_string(crashes++), signature, static_cast<std::size_t>(500 + draw() * 9000));
      reboot();
    }
    if (draw() < 0.01) is_down = !is_down;
    if (run_number % kRunsADay == kRunsADay / 2) is_down = false;
    if (run_number > 7 * kRunsADay) is_down = false;
    run();
    if (HasFailure()) return;
  }
  EXPECT_EQ(crashes, 14);
  expect_limits();
  unsigned whole = 0, report_only = 0;
  for (const auto& record : records()) {
    EXPECT_EQ(record.state, DumpState::done)
        << record.name << " " << (record.last_error ? record.last_error->text : "");
    (record.whole_was_sent ? whole : report_only) += 1;
  }
  EXPECT_EQ(whole + report_only, 14u);
  for (const auto& [key, bytes] : server.objects()) {
    const auto name = key.substr(key.rfind('/') + 1);
    const auto dump = key.substr(key.find('/') + 1, key.find('-', key.find('/')) - key.find('/') - 1);
    const bool is_manifest = name.starts_with("manifest");
    EXPECT_TRUE(is_manifest || bytes == read_file(spool / dump / name)) << key;
  }
  std::map<std::string, int> times;
  for (const auto& line : server.log("finish")) ++times[line];
  for (const auto& [line, count] : times) EXPECT_EQ(count, 1) << line;
  EXPECT_EQ(times.size(), 14 * 3 + whole * 2);
  std::printf("%u whole, %u reports alone; %llu bytes received, %zu requests\n", whole, report_only,
              static_cast<unsigned long long>(server.bytes_received), requests.size());
}

INSTANTIATE_TEST_SUITE_P(Seeds, QueueDaysSeeds, testing::Values(1u, 2u, 3u));

TEST_F(QueueDays, bytes_of_any_24_hours_stay_below_the_limit) {
  begin(7);
  options.limits = {12'000, 0, 0};
  for (int i = 0; i < 8; ++i) add_dump("d" + std::to_string(i), "w1-" + std::to_string(i), 9'000);
  Received received;
  for (int i = 0; i < 12 * 24 * 4; ++i) {
    clock.time += minutes(15);
    if (draw() < 0.02) reboot();
    const ByteCount before = server.bytes_received;
    run();
    if (server.bytes_received > before) received.emplace_back(seconds_now(), server.bytes_received - before);
  }
  expect_limit_of_24_hours(received);
  for (const auto& record : records()) EXPECT_EQ(record.state, DumpState::done) << record.name;
}

TEST_F(QueueDays, a_sink_that_is_away_for_a_week_is_asked_now_and_then_and_nothing_is_lost) {
  begin(11);
  options.limits = {};
  for (int i = 0; i < 5; ++i) add_dump("d" + std::to_string(i), "w1-" + std::to_string(i), 3'000);
  is_down = true;
  for (int i = 0; i < 7 * 24 * 4; ++i) {
    clock.time += minutes(15);
    run();
  }
  const auto asked = requests.size();
  EXPECT_LT(asked, 7 * 24 * 4 * 2u);
  is_down = false;
  for (int i = 0; i < 24 * 4; ++i) {
    clock.time += minutes(15);
    run();
  }
  for (const auto& record : records()) EXPECT_EQ(record.state, DumpState::done) << record.name;
  std::printf("asked %zu times in a week\n", asked);
}

TEST_F(QueueDays, a_clock_that_is_wrong_after_each_boot_neither_stops_uploads_nor_opens_the_limits) {
  begin(13);
  options.limits = {12'000, 0, 0};
  for (int i = 0; i < 4; ++i) add_dump("d" + std::to_string(i), "w1-" + std::to_string(i), 9'000);
  Received received;
  auto truth = clock.time;
  for (int i = 0; i < 8 * 24 * 4; ++i) {
    truth += minutes(15);
    // Off by decades in every other run, with the boot clock going on.
    const auto wrong = i % 2 == 0 ? truth : truth - hours(24 * 365 * 40);
    const auto uptime = std::chrono::duration_cast<std::chrono::milliseconds>(truth - VirtualClock::kStart);
    clock.time = wrong;
    clock.start = wrong;
    clock.uptime = hours(1) + uptime;
    const ByteCount before = server.bytes_received;
    run();
    if (server.bytes_received > before) {
      received.emplace_back(std::chrono::duration_cast<seconds>(uptime).count(),
                            server.bytes_received - before);
    }
  }
  expect_limit_of_24_hours(received);
  for (const auto& record : records()) EXPECT_EQ(record.state, DumpState::done) << record.name;
}

TEST_F(QueueDays, a_herd_of_200_machines_is_spread_evenly) {
  constexpr int kMachines = 200;
  const auto most_in_ten_seconds = [](seconds spread) {
    std::map<std::int64_t, int> starts;
    int most = 0;
    for (int machine = 0; machine < kMachines; ++machine) {
      // All booted within the same 20 s, after a power cut.
      const auto boot = std::chrono::milliseconds(machine * 100);
      const auto start = boot + spread_delay("machine-" + std::to_string(machine),
                                             "boot-" + std::to_string(machine), spread);
      most = std::max(most, ++starts[start / seconds(10)]);
    }
    return most;
  };
  const int without = most_in_ten_seconds(seconds(0));
  const int with = most_in_ten_seconds(seconds(600));
  std::printf("starts within 10 s, at most: %d without, %d with a spread of 600 s\n", without, with);
  EXPECT_EQ(without, 100);
  EXPECT_LT(with, 15);
}

}  // namespace
}  // namespace warmdump
