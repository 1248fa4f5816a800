// Uploads to a real @tus/server that dies, forgets, and is asked again by another process.

#include "tests/servers/tus_server.h"

#include <optional>

#include "tests/upload/dump_fixture.h"
#include "upload/destination/destination.h"
#include "upload/queue/upload.h"
#include "upload/transfer/transfer.h"

namespace warmdump {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Le;
using testing::SizeIs;
namespace fs = std::filesystem;

constexpr ByteCount kPieceBytes = 512 * kKiB;
constexpr ByteCount kSize = 5 * kPieceBytes + 4321;

// Bytes that no two places share, and that cannot be read behind `ends_at`.
class CutSource final : public ByteSource {
 public:
  explicit CutSource(const std::string& text, ByteCount ends_at = ~ByteCount{0})
      : text_(text), ends_at_(ends_at) {}
  Outcome<std::size_t> read(ByteCount offset, std::span<std::byte> target) const override {
    if (offset >= ends_at_) return Failure(ErrorCode::io, "cut");
    return text_.read(offset, target.first(std::min<ByteCount>(target.size(), ends_at_ - offset)));
  }

 private:
  TextSource text_;
  ByteCount ends_at_;
};

class TusServerTest : public testing::Test {
 protected:
  void SetUp() override {
    const std::string missing = TusServer::missing();
    if (!missing.empty()) GTEST_SKIP() << "NOT TESTED against a real server: " << missing;
    text.resize(kSize);
    for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>((i * 2654435761u) >> 13);
  }

  void start(const TusServerOptions& options = {}) { server.emplace(temporary.path() / "tus", options); }

  // As another process would: nothing is kept but the session.
  SendOutcome<TransferReport> transfer(const ByteSource& source, TransferSession& session) {
    DestinationOptions options;
    options.part_bytes = kPieceBytes;
    auto destination = make_destination(server->address(), options);
    if (!destination.has_value()) return SendFailure(std::move(destination.error()));
    const ObjectToSend object{"lab/dump-1/vmcore", &source, kSize, "5ha", "application/octet-stream"};
    TransferOptions transfer_options;
    transfer_options.random = [] { return 0.5; };
    progress.begin("sending", kSize);
    return transfer_object(object, **destination, session, transfer_options, 0, progress, clock);
  }

  SendOutcome<TransferReport> transfer(TransferSession& session) {
    return transfer(CutSource(text), session);
  }

  void expect_arrived_once() const {
    unsigned whole = 0;
    for (const auto& upload : server->uploads()) {
      if (fs::file_size(upload.data) != kSize) continue;
      ++whole;
      EXPECT_TRUE(read_file(upload.data) == text);
      EXPECT_EQ(upload.key, "lab/dump-1/vmcore");
    }
    EXPECT_EQ(whole, 1u);
  }

  const test::TemporaryDirectory temporary;
  std::string text;
  std::optional<TusServer> server;
  RecordedProgress progress;
  VirtualClock clock;
};

TEST_F(TusServerTest, an_object_arrives_as_it_is) {
  start();
  TransferSession session;
  const auto report = transfer(session);
  ASSERT_TRUE(report.has_value()) << report.error().failure.message;
  EXPECT_EQ(report->bytes_sent, kSize);
  EXPECT_EQ(report->attempts, 6u);
  EXPECT_GT(session.expires, std::time(nullptr));
  expect_arrived_once();
  // By the same session again, as after a kill between the last byte and the record of it.
  const auto again = transfer(session);
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->bytes_sent, 0u);
  expect_arrived_once();
}

TEST_F(TusServerTest, cut_anywhere_the_next_process_goes_on_behind_what_arrived) {
  start();
  TransferSession session;
  ByteCount total = 0;
  for (const ByteCount cut : {ByteCount{0}, ByteCount{1}, ByteCount{4096}, kPieceBytes - 1, kPieceBytes,
                              kPieceBytes + 1, 2 * kPieceBytes + 77777, kSize - 1}) {
    const auto report = transfer(CutSource(text, cut), session);
    ASSERT_FALSE(report.has_value());
    EXPECT_THAT(report.error().failure.message, HasSubstr("cut"));
    ASSERT_THAT(server->uploads(), SizeIs(1));
    EXPECT_THAT(fs::file_size(server->uploads()[0].data), Le(cut));
  }
  const auto report = transfer(session);
  ASSERT_TRUE(report.has_value()) << report.error().failure.message;
  total = report->bytes_sent;
  EXPECT_THAT(total, Le(kPieceBytes + 4321));
  expect_arrived_once();
  EXPECT_THAT(server->uploads(), SizeIs(1));
}

TEST_F(TusServerTest, a_server_that_dies_in_the_middle_of_a_piece_gets_the_rest_of_it) {
  start();
  unsigned deaths = 0;
  progress.on_update = [&](const std::string&, ByteCount done) {
    if (deaths == 0 && done > 2 * kPieceBytes + kPieceBytes / 2) {
      ++deaths;
      server->kill();
    }
  };
  clock.before_wait = [&] {
    if (clock.waits.size() == 2) server->restart();
  };
  TransferSession session;
  const auto report = transfer(session);
  ASSERT_TRUE(report.has_value()) << report.error().failure.message;
  EXPECT_EQ(deaths, 1u);
  EXPECT_THAT(report->bytes_sent, Le(kSize + kPieceBytes));
  expect_arrived_once();
  EXPECT_THAT(server->uploads(), SizeIs(1));
}

TEST_F(TusServerTest, an_upload_that_the_server_has_forgotten_or_let_expire_begins_again) {
  for (const bool expires : {true, false}) {
    start();
    TransferSession session;
    ASSERT_FALSE(transfer(CutSource(text, 2 * kPieceBytes), session).has_value());
    const auto upload = server->uploads().at(0);
    if (expires) {
      std::string record = read_file(upload.record);
      const auto date = record.find("\"creation_date\":\"20");
      ASSERT_NE(date, std::string::npos) << record;
      record.replace(record.find("20", date), 2, "19");
      write_file(upload.record, record);
    } else {
      fs::remove(upload.data);
      fs::remove(upload.record);
    }
    const auto report = transfer(session);
    ASSERT_TRUE(report.has_value()) << report.error().failure.message;
    EXPECT_EQ(report->bytes_sent, kSize);
    EXPECT_THAT(progress.notes.back(), HasSubstr(expires ? "410" : "404"));
    expect_arrived_once();
    server.reset();
    fs::remove_all(temporary.path() / "tus");
  }
}

TEST_F(TusServerTest, bytes_that_the_server_lost_are_sent_again) {
  start();
  TransferSession session;
  ASSERT_FALSE(transfer(CutSource(text, 3 * kPieceBytes), session).has_value());
  fs::resize_file(server->uploads().at(0).data, kPieceBytes + 123);
  const auto report = transfer(session);
  ASSERT_TRUE(report.has_value()) << report.error().failure.message;
  EXPECT_EQ(report->bytes_sent, kSize - kPieceBytes - 123);
  expect_arrived_once();
}

TEST_F(TusServerTest, a_file_that_is_too_large_is_not_begun) {
  TusServerOptions options;
  options.size_max = kSize - 1;
  start(options);
  TransferSession session;
  const auto report = transfer(session);
  ASSERT_FALSE(report.has_value());
  EXPECT_EQ(report.error().remedy, Remedy::give_dump_up);
  EXPECT_THAT(server->uploads(), IsEmpty());
}

TEST_F(TusServerTest, what_is_abandoned_is_removed_from_the_server) {
  start();
  TransferSession session;
  ASSERT_FALSE(transfer(CutSource(text, kPieceBytes), session).has_value());
  ASSERT_THAT(server->uploads(), SizeIs(1));
  const auto destination = make_destination(server->address(), {});
  const CutSource source(text);
  const ObjectToSend object{"lab/dump-1/vmcore", &source, kSize, "5ha", "application/octet-stream"};
  (*destination)->abandon(object, session);  // by a process that knows nothing but the session
  EXPECT_THAT(server->uploads(), IsEmpty());
}

class TusDumpTest : public DumpTest {
 protected:
  void SetUp() override {
    const std::string missing = TusServer::missing();
    if (!missing.empty()) GTEST_SKIP() << "NOT TESTED against a real server: " << missing;
  }
  RecordedProgress progress;
  VirtualClock clock;
};

TEST_F(TusDumpTest, a_dump_arrives_over_tls_and_the_server_says_what_it_wants) {
  TusServerOptions options;
  options.with_tls = options.relative_location = true;
  options.want = "nothing";
  const TusServer server(temporary.path() / "tus", options);
  DestinationOptions destination_options;
  destination_options.ca_file = server.ca_file();
  make_vmcore(9 * 1024 * 1024 + 17);
  const auto destination = make_destination(server.address(), destination_options);
  ASSERT_TRUE(destination.has_value()) << destination.error().message;
  const auto report = upload_dump(dump, **destination, {}, progress, clock);
  ASSERT_TRUE(report.has_value()) << report.error().failure.message;
  ASSERT_THAT(server.uploads(), SizeIs(5));
  unsigned same = 0;
  for (const auto& upload : server.uploads()) {
    const fs::path original = dump / fs::path(upload.key).filename();
    if (fs::exists(original)) same += same_bytes(upload.data, original) ? 1u : 0u;
  }
  EXPECT_EQ(same, 3u);
  EXPECT_EQ(*(*destination)->asked_for(report->key), Destination::Want::nothing);
}

TEST_F(TusDumpTest, a_location_without_tls_is_not_followed) {
  TusServerOptions options;
  options.with_tls = true;
  const TusServer server(temporary.path() / "tus", options);
  DestinationOptions destination_options;
  destination_options.ca_file = server.ca_file();
  const auto destination = make_destination(server.address(), destination_options);
  const auto report = upload_dump(dump, **destination, {}, progress, clock);
  ASSERT_FALSE(report.has_value());
  EXPECT_EQ(report.error().remedy, Remedy::change_sink);
  EXPECT_THAT(report.error().failure.message,
              AllOf(HasSubstr("another origin"), HasSubstr("X-Forwarded-Proto")));
}

}  // namespace
}  // namespace warmdump
