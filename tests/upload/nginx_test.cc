// Uploads to a real nginx over http and https.

#include <fmt/format.h>

#include <fstream>
#include <iostream>
#include <optional>

#include "tests/servers/nginx_server.h"
#include "tests/upload/dump_fixture.h"
#include "tests/upload/memory_state_files.h"
#include "upload/queue/upload.h"

namespace warmdump {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
namespace fs = std::filesystem;

constexpr std::size_t kBigVmcore = 64 * 1024 * 1024;

class NginxTest : public DumpTest {
 protected:
  void SetUp() override {
    const std::string missing = NginxServer::missing();
    if (!missing.empty()) GTEST_SKIP() << "NOT TESTED against a real server: " << missing;
    nginx.emplace(temporary.path() / "nginx");
  }

  std::string http(const std::string& path) const {
    return fmt::format("http://127.0.0.1:{}{}", nginx->http_port(), path);
  }
  std::string https(const std::string& path, const std::string& host = "localhost") const {
    return fmt::format("https://{}:{}{}", host, nginx->https_port(), path);
  }

  SendOutcome<UploadReport> upload(const std::string& address, const DestinationOptions& options = {}) {
    auto destination = make_destination(address, options);
    if (!destination.has_value()) return SendFailure(std::move(destination.error()));
    UploadOptions upload_options;
    upload_options.state = &state;
    upload_options.random = [] { return 0.5; };
    return upload_dump(dump, **destination, upload_options, progress, clock);
  }

  // The one dump below `where`.
  static fs::path arrived(const fs::path& where) { return fs::directory_iterator(where)->path(); }

  void expect_arrived(const fs::path& where) const {
    for (const char* file : {"vmcore", "vmcore-dmesg.txt", "meta.json"}) {
      EXPECT_TRUE(same_bytes(dump / file, arrived(where) / file)) << file;
    }
  }

  std::optional<NginxServer> nginx;
  MemoryStateFiles state;
  RecordedProgress progress;
  VirtualClock clock;
};

std::size_t status_kib(const std::string& key) {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    if (word == key + ":") {
      std::size_t value = 0;
      status >> value;
      return value;
    }
  }
  return 0;
}

// Runs the step and says how much it took; the kernel's mark of the peak is reset before it.
template <class Step>
std::size_t measured_peak_kib(const char* what, Step step) {
  std::ofstream("/proc/self/clear_refs") << "5" << std::flush;
  const std::size_t before = status_kib("VmRSS");
  const auto start = std::chrono::steady_clock::now();
  step();
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  const std::size_t peak = status_kib("VmHWM");
  std::cout << fmt::format("{}: {:.2f} s, resident {} KiB before, {} KiB at most\n", what, elapsed.count(),
                           before, peak);
  return peak;
}

class NginxBigTest : public NginxTest, public testing::WithParamInterface<bool> {};

TEST_P(NginxBigTest, BigDumpArrivesInBoundedMemory) {
  make_vmcore(kBigVmcore);
  const std::string address = GetParam() ? https("/dav/lab") : http("/dav/lab");
  const DestinationOptions options{.ca_file = GetParam() ? nginx->ca_file().string() : "",
                                   .credentials_file = ""};
  std::optional<SendOutcome<UploadReport>> report;
  [[maybe_unused]] const std::size_t peak_kib =
      measured_peak_kib("64 MiB hashed and sent", [&] { report.emplace(upload(address, options)); });
  ASSERT_TRUE(report->has_value()) << report->error().failure.message;
  EXPECT_EQ((*report)->attempts, 5u);
  expect_arrived(nginx->files() / "lab");
#ifndef __SANITIZE_ADDRESS__
  EXPECT_LE(peak_kib, 24u * 1024);
#endif
  EXPECT_EQ(upload(address, options)->result, UploadResult::receipt_found);
}
INSTANTIATE_TEST_SUITE_P(Schemes, NginxBigTest, testing::Bool(),
                         [](const auto& scheme) { return scheme.param ? "https" : "http"; });

TEST_F(NginxTest, ManifestArrivesAfterEverythingElse) {
  make_vmcore(8 * 1024 * 1024);
  bool has_report_early = true;
  bool seen_early = false;
  progress.on_update = [&](const std::string& stage, ByteCount done) {
    if (stage != "sending" || done <= 1024 * 1024 || done >= progress.total) return;
    has_report_early = has_report_early && fs::exists(arrived(nginx->files()) / "manifest-report.json");
    seen_early = seen_early || fs::exists(arrived(nginx->files()) / "manifest.json");
  };
  ASSERT_TRUE(upload(http("/dav")).has_value());
  EXPECT_TRUE(has_report_early);
  EXPECT_FALSE(seen_early);
  EXPECT_TRUE(fs::exists(arrived(nginx->files()) / "manifest.json"));
  expect_arrived(nginx->files());
}

TEST_F(NginxTest, WrongAuthorityIsRefused) {
  for (const std::string& ca : {nginx->other_ca_file().string(), std::string()}) {
    const auto report = upload(https("/dav"), {.ca_file = ca, .credentials_file = ""});
    ASSERT_FALSE(report.has_value());
    EXPECT_EQ(report.error().remedy, Remedy::change_sink);
    EXPECT_THAT(report.error().failure.message, HasSubstr("is not trusted"));
  }
  EXPECT_THAT(listing(nginx->files()), IsEmpty());
}

TEST_F(NginxTest, WrongHostNameIsRefused) {
  for (const char* host : {"localhost", "127.0.0.1"}) {
    const auto report = upload(fmt::format("https://{}:{}/dav", host, nginx->wrong_host_port()),
                               {.ca_file = nginx->ca_file(), .credentials_file = ""});
    ASSERT_FALSE(report.has_value());
    EXPECT_EQ(report.error().remedy, Remedy::change_sink);
    EXPECT_THAT(report.error().failure.message, HasSubstr("the certificate is for another host"));
  }
  EXPECT_THAT(listing(nginx->files()), IsEmpty());
}

TEST_F(NginxTest, CertificateForAnAddressIsAccepted) {
  const auto report =
      upload(https("/dav", "127.0.0.1"), {.ca_file = nginx->ca_file(), .credentials_file = ""});
  EXPECT_TRUE(report.has_value()) << report.error().failure.message;
}

TEST_F(NginxTest, RefusalsAreFinalAndSayWhy) {
  make_vmcore(4 * 1024 * 1024);
  const struct {
    const char* path;
    Remedy remedy;
    const char* text;
  } cases[] = {{"/forbidden", Remedy::change_sink, "403 Forbidden"},
               {"/nodav", Remedy::change_sink, "405 Not Allowed"},
               {"/small", Remedy::give_dump_up, "413 Request Entity Too Large; the server's size limit"},
               {"/moved", Remedy::change_sink, "redirects are not followed"},
               {"/private", Remedy::change_sink, "401 Unauthorized; check --credentials-file"}};
  for (const auto& c : cases) {
    const auto report = upload(http(c.path));
    ASSERT_FALSE(report.has_value()) << c.path;
    EXPECT_EQ(report.error().remedy, c.remedy) << c.path;
    EXPECT_THAT(report.error().failure.message, AllOf(HasSubstr(c.text), HasSubstr(c.path)));
  }
  EXPECT_THAT(clock.waits, IsEmpty());
  const auto names = state.names();
  ASSERT_TRUE(names.has_value());
  for (const auto& name : *names)
    EXPECT_THAT(state.text_of(name), Not(HasSubstr("\"whole_was_sent\": true")));
}

TEST_F(NginxTest, FullServerIsTemporary) {
  const auto report = upload(http("/full"));
  ASSERT_FALSE(report.has_value());
  EXPECT_EQ(report.error().remedy, Remedy::wait);
  EXPECT_THAT(report.error().failure.message,
              AllOf(HasSubstr("507"), HasSubstr("out of space"), HasSubstr("after 5 attempts")));
  EXPECT_THAT(clock.waits, SizeIs(4));
}

TEST_F(NginxTest, CredentialsOpenTheDoor) {
  const fs::path secret = temporary.path() / "secret";
  write_file(secret, "device:s3cret\n");
  fs::permissions(secret, fs::perms::owner_read);
  const DestinationOptions options{.ca_file = nginx->ca_file(), .credentials_file = secret};
  const auto report = upload(https("/private"), options);
  ASSERT_TRUE(report.has_value()) << report.error().failure.message;
  expect_arrived(temporary.path() / "nginx" / "root" / "private");
  ASSERT_FALSE(state.names()->empty());
  const auto names = state.names();
  ASSERT_TRUE(names.has_value());
  for (const auto& name : *names) EXPECT_THAT(state.text_of(name), Not(HasSubstr("s3cret")));
}

TEST_F(NginxTest, ServerThatDiesInTheMiddleIsTriedAgain) {
  make_vmcore(kBigVmcore);
  unsigned deaths = 0;
  progress.on_update = [&](const std::string& stage, ByteCount done) {
    if (stage == "sending" && deaths == 0 && done > kBigVmcore / 2) {
      ++deaths;
      nginx->kill();
    }
  };
  // The first wait ends with the server still away, the second with the server back.
  clock.before_wait = [&] {
    if (clock.waits.size() == 2) nginx->restart();
  };
  const auto report = upload(http("/dav"));
  ASSERT_TRUE(report.has_value()) << report.error().failure.message;
  EXPECT_EQ(deaths, 1u);
  EXPECT_EQ(report->attempts, 7u);
  ASSERT_THAT(progress.notes, SizeIs(2));
  EXPECT_THAT(progress.notes[1], HasSubstr("Connection refused"));
  expect_arrived(nginx->files());
}

TEST_F(NginxTest, UnreachablePortIsNamed) {
  const auto address = http("/dav");
  nginx->kill();
  const auto report = upload(address);
  ASSERT_FALSE(report.has_value());
  EXPECT_EQ(report.error().remedy, Remedy::wait);
  EXPECT_THAT(
      report.error().failure.message,
      HasSubstr(fmt::format("cannot connect to 127.0.0.1:{}: Connection refused", nginx->http_port())));
}

TEST_F(NginxTest, UnknownHostIsNamed) {
  const auto report = upload("http://no-such-host.invalid/dav");
  ASSERT_FALSE(report.has_value());
  EXPECT_THAT(report.error().failure.message, HasSubstr("cannot find host no-such-host.invalid"));
}

}  // namespace
}  // namespace warmdump
