// Uploads to real S3 services, which the test starts once each: Ceph's radosgw, and Swift's s3api as a second
// opinion. s3cmd looks at what has arrived.

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <map>

#include "tests/servers/s3_service.h"
#include "tests/servers/server_process.h"
#include "tests/upload/dump_fixture.h"
#include "upload/destination/s3/credentials_sources.h"
#include "upload/destination/s3/s3_destination.h"
#include "upload/transfer/transfer.h"

namespace warmdump {
namespace {

namespace fs = std::filesystem;
using test::S3Judge;
using test::S3Service;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* kBucket = "dumps";
constexpr std::size_t kPart = 5 * kMiB;  // the least that stores take
constexpr std::size_t kVmcore = 3 * kPart + 4321;

struct Kind {
  const char* name;
  std::unique_ptr<S3Service> (*start)(const fs::path&);
  std::string (*missing)();
};
constexpr Kind kS3Services[] = {
    {"ceph", test::start_ceph, test::missing_for_ceph},
    {"swift", test::start_swift, test::missing_for_swift},
};

// Each is started when the first test wants it, and lives until the program ends.
struct Running {
  test::TemporaryDirectory directory;
  std::unique_ptr<S3Service> service;
  std::unique_ptr<S3Judge> judge;
};
std::map<std::string, std::unique_ptr<Running>>& running() {
  static std::map<std::string, std::unique_ptr<Running>> all;
  return all;
}
class StopServers final : public testing::Environment {
  void TearDown() override { running().clear(); }
};
[[maybe_unused]] const auto* const kStopServers = testing::AddGlobalTestEnvironment(new StopServers);

Running& started(const Kind& kind) {
  auto& one = running()[kind.name];
  if (!one) {
    auto fresh = std::make_unique<Running>();
    fresh->service = kind.start(fresh->directory.path());
    fresh->judge = std::make_unique<S3Judge>(*fresh->service, fresh->directory.path());
    fresh->judge->make_bucket(kBucket);
    one = std::move(fresh);
  }
  return *one;
}

class S3Servers : public DumpTest, public testing::WithParamInterface<Kind> {
 protected:
  void SetUp() override {
    const std::string missing = GetParam().missing() + test::missing_for_judge();
    if (!missing.empty()) GTEST_SKIP() << missing << " is not installed, see scripts/install-deps";
    server = &started(GetParam());
    prefix = testing::UnitTest::GetInstance()->current_test_info()->name();
    std::replace(prefix.begin(), prefix.end(), '/', '-');
    write_keys(server->service->access_key(), server->service->secret_key());
    make_vmcore(kVmcore);
    vmcore = std::make_unique<TextSource>(read_file(dump / "vmcore"));
  }

  void write_keys(const std::string& access_key, const std::string& secret_key) {
    write_file(keys(), "[default]\naws_access_key_id = " + access_key +
                           "\naws_secret_access_key = " + secret_key + "\n");
    fs::permissions(keys(), fs::perms(0600));
  }
  fs::path keys() const { return temporary.path() / "keys"; }

  DestinationOptions options() const {
    DestinationOptions options;
    options.endpoint = server->service->url();
    options.credentials_file = keys();
    options.part_bytes = kPart;
    return options;
  }
  std::unique_ptr<Destination> destination(const DestinationOptions& with) const {
    auto made = make_destination("s3://" + std::string(kBucket) + "/" + prefix, with);
    if (!made.has_value()) throw std::runtime_error(made.error().message);
    return std::move(*made);
  }

  ObjectToSend object() const {
    return {"lab/d-1/vmcore",
            vmcore.get(),
            kVmcore,
            std::string(64, '5'),
            "application/octet-stream",
            {{"dump-id", "0123456789abcdef"}}};
  }
  std::string key() const { return prefix + "/lab/d-1/vmcore"; }

  SendOutcome<TransferReport> transfer(Destination& to, TransferOptions how = {}) {
    RecordedProgress progress;
    progress.begin("", kVmcore);
    how.random = [] { return 0.0; };
    return transfer_object(object(), to, session, how, 0, progress, clock);
  }
  void expect_arrived() {
    EXPECT_TRUE(same_bytes(server->judge->fetch(kBucket, key()), dump / "vmcore"));
    EXPECT_THAT(server->judge->unfinished_keys(kBucket), Not(testing::Contains(key())));
  }

  Running* server = nullptr;
  std::string prefix;
  std::unique_ptr<TextSource> vmcore;
  TransferSession session;
  VirtualClock clock;
};

TEST_P(S3Servers, a_dump_arrives_in_parts_with_its_metadata) {
  const auto to = destination(options());
  const auto report = transfer(*to);
  ASSERT_TRUE(report.has_value()) << report.error().failure.message;
  EXPECT_EQ(report->attempts, 4u);
  expect_arrived();
  EXPECT_THAT(
      server->judge->information(kBucket, key()),
      AllOf(HasSubstr("x-amz-meta-dump-id: 0123456789abcdef"), HasSubstr("x-amz-meta-sha256: 5555"),
            HasSubstr("x-amz-meta-upload-token: " + session.token), HasSubstr("application/octet-stream")));
}

TEST_P(S3Servers, another_process_goes_on_where_one_ended) {
  unsigned may_ask = 3;  // once for the object, then for each piece
  TransferOptions how;
  how.may_go_on = [&](ByteCount) -> SendOutcome<void> {
    if (may_ask-- == 0) return SendFailure(Failure(ErrorCode::timed_out, "the test ends it here"));
    return {};
  };
  DestinationOptions one_by_one = options();
  one_by_one.parallel_pieces = 1;
  ASSERT_FALSE(transfer(*destination(one_by_one), how).has_value());
  EXPECT_FALSE(server->judge->exists(kBucket, key()));
  session.sent.clear();  // what has arrived is what the store says
  const auto report = transfer(*destination(options()));
  ASSERT_TRUE(report.has_value()) << report.error().failure.message;
  EXPECT_EQ(report->attempts, 2u);
  expect_arrived();
}

TEST_P(S3Servers, what_is_completed_can_be_completed_again) {
  ASSERT_TRUE(transfer(*destination(options())).has_value());
  ASSERT_TRUE(session.is_finishing);
  const auto report = transfer(*destination(options()));
  ASSERT_TRUE(report.has_value()) << report.error().failure.message;
  EXPECT_EQ(report->bytes_sent, 0u);
  expect_arrived();
}

TEST_P(S3Servers, a_service_that_is_killed_in_the_middle_of_a_part_costs_that_part) {
  DestinationOptions one_by_one = options();
  one_by_one.parallel_pieces = 1;
  const auto to = destination(one_by_one);
  std::atomic<bool> was_killed = false;
  RecordedProgress progress;
  progress.begin("", kVmcore);
  progress.on_update = [&](const std::string&, ByteCount bytes) {
    if (bytes > kPart + kPart / 2 && !was_killed.exchange(true)) server->service->kill();
  };
  clock.before_wait = [&] {
    if (was_killed) server->service->restart();
    clock.before_wait = nullptr;
  };
  TransferOptions how;
  how.random = [] { return 0.5; };  // so that it waits, in no time
  const auto report = transfer_object(object(), *to, session, how, 0, progress, clock);
  if (clock.before_wait) server->service->restart();
  ASSERT_TRUE(report.has_value()) << report.error().failure.message;
  EXPECT_TRUE(was_killed);
  EXPECT_LE(report->bytes_sent, kVmcore + kPart);
  expect_arrived();
}

TEST_P(S3Servers, an_abandoned_upload_leaves_nothing) {
  const auto to = destination(options());
  const auto standing = to->open(object(), session);
  ASSERT_TRUE(standing.has_value()) << standing.error().failure.message;
  ASSERT_TRUE(to->send(object(), session, standing->missing.at(0), [](ByteCount) {}).has_value());
  EXPECT_THAT(server->judge->unfinished_keys(kBucket), testing::Contains(key()));
  to->abandon(object(), session);
  EXPECT_THAT(server->judge->unfinished_keys(kBucket), Not(testing::Contains(key())));
  const auto gone = to->open(object(), session);
  ASSERT_FALSE(gone.has_value());
  EXPECT_EQ(gone.error().remedy, Remedy::begin_again) << gone.error().failure.message;
}

TEST_P(S3Servers, an_upload_that_was_aborted_by_a_rule_begins_again) {
  const auto to = destination(options());
  ASSERT_TRUE(to->open(object(), session).has_value());
  to->abandon(object(), session);
  const std::string first = session.id;
  const auto report = transfer(*to);
  ASSERT_TRUE(report.has_value()) << report.error().failure.message;
  EXPECT_NE(session.id, first);
  expect_arrived();
}

TEST_P(S3Servers, damage_on_the_way_is_noticed_by_the_service) {
  // The digests are of the bytes that the first reading gave.
  struct Changing final : ByteSource {
    mutable std::atomic<int> reads = 0;
    Outcome<std::size_t> read(ByteCount, std::span<std::byte> target) const override {
      std::fill(target.begin(), target.end(), reads++ == 0 ? std::byte{'a'} : std::byte{'b'});
      return target.size();
    }
  } changing;
  const ObjectToSend small{"lab/d-1/meta.json", &changing, 1000, "", "application/json"};
  const auto to = destination(options());
  const auto standing = to->open(small, session);
  const auto sent = to->send(small, session, standing->missing.at(0), [](ByteCount) {});
  ASSERT_FALSE(sent.has_value());
  EXPECT_EQ(sent.error().remedy, Remedy::read_again) << sent.error().failure.message;
  EXPECT_FALSE(server->judge->exists(kBucket, prefix + "/lab/d-1/meta.json"));
}

TEST_P(S3Servers, a_wrong_secret_is_somebodys_to_mend) {
  write_keys(server->service->access_key(), "hunter2hunter2");
  const auto report = transfer(*destination(options()));
  ASSERT_FALSE(report.has_value());
  EXPECT_EQ(report.error().remedy, Remedy::change_sink);
  EXPECT_THAT(report.error().failure.message,
              AllOf(HasSubstr("SignatureDoesNotMatch"), Not(HasSubstr("hunter2"))));
  EXPECT_THAT(clock.waits, IsEmpty());
}

TEST_P(S3Servers, keys_that_are_mended_while_it_runs_are_taken) {
  write_keys(server->service->access_key(), "wrong");
  const auto to = destination(options());
  ASSERT_FALSE(transfer(*to).has_value());
  write_keys(server->service->access_key(), server->service->secret_key());
  const auto report = transfer(*to);
  ASSERT_TRUE(report.has_value()) << report.error().failure.message;
  expect_arrived();
}

TEST_P(S3Servers, a_bucket_that_is_not_there_is_named) {
  auto made = make_destination("s3://nowhere", options());
  ASSERT_TRUE(made.has_value());
  const auto report = transfer(**made);
  ASSERT_FALSE(report.has_value());
  EXPECT_EQ(report.error().remedy, Remedy::change_sink);
  EXPECT_THAT(report.error().failure.message,
              AllOf(HasSubstr("NoSuchBucket"), HasSubstr("create the bucket")));
}

TEST_P(S3Servers, a_clock_that_is_wrong_by_hours_is_no_obstacle) {
  for (const auto hours : {-3, 3}) {
    VirtualClock wrong;
    wrong.time = std::chrono::system_clock::now() + std::chrono::hours(hours);
    auto place =
        parse_s3_place("s3://" + std::string(kBucket) + "/" + prefix, server->service->url(), "", "");
    HttpTransportOptions plain;
    plain.with_tls = false;
    const auto to = make_s3_destination(
        std::make_unique<S3Client>(std::move(*place), make_credentials_file_source(keys(), ""),
                                   std::move(*make_http_transport(plain)), wrong),
        {.part_bytes = kPart});
    session = {};
    const auto report = transfer(*to);
    ASSERT_TRUE(report.has_value()) << report.error().failure.message;
  }
  expect_arrived();
}

TEST_P(S3Servers, over_tls_with_its_own_authority) {
  if (server->service->https_url().empty()) GTEST_SKIP() << "this service has no TLS";
  DestinationOptions with = options();
  with.endpoint = server->service->https_url();
  with.ca_file = server->service->ca_file();
  const auto report = transfer(*destination(with));
  ASSERT_TRUE(report.has_value()) << report.error().failure.message;
  expect_arrived();
  with.ca_file = server->service->ca_file().parent_path() / "other-ca.pem";
  const auto refused = transfer(*destination(with));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().remedy, Remedy::change_sink) << refused.error().failure.message;
}

TEST_P(S3Servers, with_the_bucket_in_the_host_name) {
  if (std::string(GetParam().name) != "ceph")
    GTEST_SKIP() << "only radosgw is set up with a domain of its own";
  std::string endpoint = server->service->url();
  endpoint.replace(endpoint.find("127.0.0.1"), 9, "s3.localhost");
  auto place = parse_s3_place("s3://" + std::string(kBucket) + "/" + prefix, endpoint, "", "virtual");
  ASSERT_TRUE(place.has_value()) << place.error().message;
  HttpTransportOptions plain;
  plain.with_tls = false;
  plain.resolver = [](const std::string& host) -> Outcome<std::vector<std::string>> {
    if (host != "dumps.s3.localhost") return Failure(ErrorCode::not_found, "not the bucket's host");
    return std::vector<std::string>{"127.0.0.1"};
  };
  const auto to = make_s3_destination(
      std::make_unique<S3Client>(std::move(*place), make_credentials_file_source(keys(), ""),
                                 std::move(*make_http_transport(plain)), system_clock()),
      {.part_bytes = kPart});
  const auto report = transfer(*to);
  ASSERT_TRUE(report.has_value()) << report.error().failure.message;
  expect_arrived();
}

TEST_P(S3Servers, the_newer_checksums_do_no_harm_where_they_are_not_known) {
  for (const std::string checksum : {"crc32c", "sha256"}) {
    DestinationOptions with = options();
    with.checksum = checksum;
    session = {};
    const auto report = transfer(*destination(with));
    ASSERT_TRUE(report.has_value()) << report.error().failure.message;
  }
  expect_arrived();
}

TEST_P(S3Servers, parts_go_side_by_side) {
  DestinationOptions with = options();
  with.parallel_pieces = 4;
  const auto report = transfer(*destination(with));
  ASSERT_TRUE(report.has_value()) << report.error().failure.message;
  expect_arrived();
}

// The first address of each file has expired, as after a long pause: another one is asked for.
TEST_P(S3Servers, a_broker_signs_for_a_machine_that_has_no_keys) {
  const fs::path stale = temporary.path() / "stale";
  fs::create_directories(stale);
  DestinationOptions with;
  with.broker_command = fmt::format("{} {} {} {} {} {}", PRESIGNING_BROKER, keys().string(),
                                    server->service->url(), kBucket, prefix, stale.string());
  const auto to = make_destination("broker:", with);
  ASSERT_TRUE(to.has_value()) << to.error().message;
  const auto report = transfer(**to);
  ASSERT_TRUE(report.has_value()) << report.error().failure.message;
  EXPECT_FALSE(fs::is_empty(stale));
  expect_arrived();
  EXPECT_THAT(server->judge->information(kBucket, key()), HasSubstr("application/octet-stream"));
  write_keys(server->service->access_key(), "not the secret");
  session = {};
  const auto refused = transfer(**to);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().remedy, Remedy::change_sink);
  EXPECT_THAT(refused.error().failure.message,
              AllOf(HasSubstr("the ticket of the broker was refused"), Not(HasSubstr("X-Amz-Signature"))));
}

TEST_P(S3Servers, the_wish_of_the_service_is_heard) {
  const auto to = destination(options());
  const auto nothing = to->asked_for("lab/d-1");
  ASSERT_TRUE(nothing.has_value()) << nothing.error().failure.message;
  EXPECT_FALSE(*nothing);
  const TextSource wish("dump\n");
  const ObjectToSend want{"lab/d-1/want", &wish, 5, "", "text/plain"};
  RecordedProgress progress;
  progress.begin("", 5);
  ASSERT_TRUE(transfer_object(want, *to, session, {}, 0, progress, clock).has_value());
  const auto wanted = to->asked_for("lab/d-1");
  ASSERT_TRUE(wanted.has_value()) << wanted.error().failure.message;
  EXPECT_EQ(*wanted, Destination::Want::dump);
}

INSTANTIATE_TEST_SUITE_P(Real, S3Servers, testing::ValuesIn(kS3Services),
                         [](const auto& one) { return std::string(one.param.name); });

}  // namespace
}  // namespace warmdump
