// The relay itself, and uploads to a real nginx through its faults.

#include "tests/upload/fault_relay.h"

#include <fmt/format.h>

#include <iostream>
#include <optional>
#include <set>

#include "tests/servers/nginx_server.h"
#include "tests/upload/dump_fixture.h"
#include "tests/upload/fault_server.h"
#include "tests/upload/faulty_uploads.h"
#include "upload/wire/http_transport.h"

namespace warmdump {
namespace {

namespace fs = std::filesystem;

TEST(FaultRelay, every_kind_of_fault_is_drawn_in_every_phase_and_a_seed_draws_the_same_again) {
  std::mt19937_64 random(7);
  std::mt19937_64 again(7);
  std::set<std::pair<Fault::Kind, int>> seen;
  for (int i = 0; i < 2000; ++i) {
    const Fault fault = draw_fault(random, {});
    const Fault same = draw_fault(again, {});
    EXPECT_EQ(fault.kind, same.kind);
    EXPECT_EQ(fault.after_bytes, same.after_bytes);
    const int phase = fault.turn == Fault::Turn::server ? (fault.after_bytes == 0 ? 2 : 3)
                      : fault.after_bytes <= 800        ? 0
                                                        : 1;
    seen.emplace(fault.kind, phase);
  }
  EXPECT_EQ(seen.size(), 1U + 5U * 4U);  // refuse has one phase
}

// An nginx that the uploader reaches through the relay.
class NginxUnderTest final : public ServerUnderTest {
 public:
  explicit NginxUnderTest(const fs::path& directory) : nginx_(directory) {}

  std::uint16_t port() const override { return nginx_.http_port(); }
  std::string address(std::uint16_t port) const override {
    return fmt::format("http://127.0.0.1:{}/dav", port);
  }
  DestinationOptions options(std::uint16_t) const override { return {}; }

  std::multimap<std::string, std::string> objects() override {
    std::multimap<std::string, std::string> objects;
    for (const auto& entry : fs::recursive_directory_iterator(nginx_.files())) {
      if (!entry.is_regular_file()) continue;
      const std::string text = read_file(entry.path());
      objects.emplace(fs::relative(entry.path(), nginx_.files()).string(),
                      sha256_of(TextSource(text), text.size(), [](ByteCount) {}).value());
    }
    return objects;
  }

  void remove_all() override {
    for (const auto& entry : fs::directory_iterator(nginx_.files())) fs::remove_all(entry.path());
  }

 private:
  NginxServer nginx_;
};

class FaultRelayTest : public DumpTest {
 protected:
  void SetUp() override {
    const std::string missing = NginxServer::missing();
    if (!missing.empty()) GTEST_SKIP() << "NOT TESTED against a real server: " << missing;
    server.emplace(temporary.path() / "nginx");
  }

  FaultyUploadsReport send(const FaultyUploads& wanted) {
    return send_through_faults(*server, wanted, temporary.path() / "dumps", [](const std::string&) {});
  }

  std::optional<NginxUnderTest> server;
};

TEST_F(FaultRelayTest, without_faults_everything_passes_as_it_is) {
  const auto report = send({.uploads = 2, .vmcore_bytes = 4 * kMiB, .faults = 0});
  EXPECT_EQ(report.problem, "");
  EXPECT_EQ(report.runs, 2U);
  EXPECT_EQ(report.faults, 0U);
  EXPECT_GE(report.sent, report.payload);
  EXPECT_LT(report.sent, report.payload + 64 * kKiB);
}

TEST_F(FaultRelayTest, uploads_by_put_arrive_whole_through_sixty_faults) {
  FaultyUploads wanted;
  wanted.uploads = 6;
  wanted.vmcore_bytes = 16 * kMiB;
  wanted.faults = 60;
  wanted.bounds.body_bytes = 16 * kMiB;
  wanted.bounds.duration_max = std::chrono::milliseconds(100);
  for (const std::uint64_t seed : {1U, 2U}) {
    wanted.seed = seed;
    const auto report = send(wanted);
    EXPECT_EQ(report.problem, "") << "seed " << seed;
    EXPECT_EQ(report.uploads, wanted.uploads);
    EXPECT_GE(report.faults, 20U);
    std::cout << fmt::format("seed {}: {} faults ({}), {} runs, {:.2f} times the payload sent, {:.1f} s\n",
                             seed, report.faults, report.account, report.runs,
                             static_cast<double>(report.sent) / static_cast<double>(report.payload),
                             report.seconds);
  }
}

// A test that cannot fail proves nothing: a server that loses bytes is found out.
TEST_F(FaultRelayTest, an_object_with_other_bytes_is_found) {
  class LossyServer final : public ServerUnderTest {
   public:
    explicit LossyServer(ServerUnderTest& server) : server_(server) {}
    std::uint16_t port() const override { return server_.port(); }
    std::string address(std::uint16_t port) const override { return server_.address(port); }
    DestinationOptions options(std::uint16_t port) const override { return server_.options(port); }
    std::multimap<std::string, std::string> objects() override {
      auto objects = server_.objects();
      if (mode == 0) objects.begin()->second.front() ^= 1;
      if (mode == 1) objects.erase(objects.begin());
      if (mode == 2) objects.insert(*objects.begin());
      if (mode == 3) objects.emplace("relay-test/other", "");
      return objects;
    }
    void remove_all() override { server_.remove_all(); }
    int mode = 0;

   private:
    ServerUnderTest& server_;
  };
  LossyServer lossy(*server);
  for (const char* problem : {"other bytes", "missing", "more than once", "should not be there"}) {
    const auto report = send_through_faults(lossy, {.uploads = 1, .vmcore_bytes = 4096, .faults = 0},
                                            temporary.path() / "dumps", [](const std::string&) {});
    EXPECT_THAT(report.problem, testing::HasSubstr(problem));
    ++lossy.mode;
  }
}

}  // namespace
}  // namespace warmdump
