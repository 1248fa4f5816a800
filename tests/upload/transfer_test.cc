// The engine of one object: lanes, exceptions, stops, sessions that are lost.

#include "upload/transfer/transfer.h"

#include <atomic>
#include <mutex>
#include <set>
#include <stdexcept>

#include "tests/upload/dump_fixture.h"

namespace warmdump {
namespace {

using testing::HasSubstr;

constexpr ByteCount kPieceSize = 10;

// Pieces in several lanes; what has arrived is known here alone, as on a server.
class LaneServer final : public Destination {
 public:
  std::string name() const override { return "lanes:"; }
  unsigned pieces_at_once() const override { return 4; }

  SendOutcome<Standing> open(const ObjectToSend& object, TransferSession& session) override {
    ++opens;
    if (session.protocol.empty())
      session = {"lanes", "session-" + std::to_string(opens), "", kPieceSize, 0, false, {}};
    session.sent.clear();
    Standing standing;
    for (unsigned number = 1; (number - 1) * kPieceSize < object.size; ++number) {
      const Piece piece{number, (number - 1) * kPieceSize, kPieceSize};
      if (arrived.contains(number)) {
        session.sent.push_back({piece, ""});
        standing.bytes_there += piece.size;
      } else {
        standing.missing.push_back(piece);
      }
    }
    return standing;
  }
  SendOutcome<SentPiece> send(const ObjectToSend& object, const TransferSession&, const Piece& piece,
                              const BytesDone& done) override {
    if (before_send) {
      auto failure = before_send(piece);
      if (failure) return std::move(*failure);
    }
    std::vector<std::byte> bytes(piece.size);
    for (ByteCount got = 0; got < piece.size; done(got)) {
      got += TRY(object.bytes->read(piece.offset + got, std::span(bytes).subspan(got)));
    }
    const std::lock_guard guard(mutex);
    ++sends;
    arrived.insert(piece.number);
    return SentPiece{piece, ""};
  }
  SendOutcome<ObjectReceipt> finish(const ObjectToSend& object, const TransferSession& session) override {
    EXPECT_TRUE(session.is_finishing);
    EXPECT_EQ(session.sent.size(), arrived.size());
    return ObjectReceipt{object.key, "", ""};
  }
  void abandon(const ObjectToSend&, const TransferSession& session) override {
    abandoned.push_back(session.id);
    arrived.clear();
  }

  std::function<std::optional<SendFailure>(const Piece&)> before_send;
  std::mutex mutex;
  std::set<unsigned> arrived;
  unsigned opens = 0;
  unsigned sends = 0;
  std::vector<std::string> abandoned;
};

class TransferTest : public testing::Test {
 protected:
  SendOutcome<TransferReport> transfer() {
    options.account = &account;
    options.random = [] { return 0.5; };
    return transfer_object(object, server, session, options, 0, progress, clock);
  }

  const TextSource bytes{std::string(200, 'x')};
  const ObjectToSend object{"key", &bytes, 200, "", ""};
  LaneServer server;
  TransferSession session;
  TransferOptions options;
  TransferReport account;
  RecordedProgress progress;
  VirtualClock clock;

  TransferTest() { progress.begin("test", 200); }
};

TEST_F(TransferTest, every_piece_is_sent_once_by_all_lanes) {
  const auto sent = transfer();
  ASSERT_TRUE(sent);
  EXPECT_EQ(server.sends, 20u);
  EXPECT_EQ(sent->bytes_sent, 200u);
  EXPECT_EQ(progress.done, 200u);
}

TEST_F(TransferTest, after_a_failure_only_what_is_missing_is_sent) {
  std::atomic<int> failures = 3;
  server.before_send = [&](const Piece& piece) -> std::optional<SendFailure> {
    if (piece.number % 5 != 0 || failures-- <= 0) return {};
    return SendFailure(Failure(ErrorCode::io, "cut"), Remedy::wait);
  };
  ASSERT_TRUE(transfer());
  EXPECT_EQ(server.sends, 20u);
}

TEST_F(TransferTest, an_exception_in_any_lane_is_a_failure_of_our_own_side) {
  server.before_send = [](const Piece& piece) -> std::optional<SendFailure> {
    if (piece.number == 7) throw std::runtime_error("out of luck");
    return {};
  };
  const auto sent = transfer();
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().remedy, Remedy::change_source);
  EXPECT_THAT(sent.error().failure.message, HasSubstr("out of luck"));
  EXPECT_GE(account.attempts, 7u) << "told although it failed";
}

TEST_F(TransferTest, a_lost_session_is_abandoned_and_begun_anew_three_times_at_most) {
  server.before_send = [](const Piece&) {
    return std::optional(SendFailure(Failure(ErrorCode::not_found, "no such upload"), Remedy::begin_again));
  };
  options.retry.attempts_max = 10;
  const auto sent = transfer();
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().remedy, Remedy::begin_again);
  EXPECT_EQ(server.opens, 4u);
  EXPECT_EQ(server.abandoned.size(), 4u);
  EXPECT_EQ(session, TransferSession()) << "nothing to go on from";
}

TEST_F(TransferTest, a_stop_ends_a_piece_in_its_middle_and_is_not_retried) {
  auto stop = StopRequest::make();
  ASSERT_TRUE(stop);
  options.stop = &*stop;
  server.before_send = [&](const Piece& piece) -> std::optional<SendFailure> {
    if (piece.number == 5) stop->request();
    return {};
  };
  const auto sent = transfer();
  ASSERT_FALSE(sent);
  EXPECT_THAT(sent.error().failure.message, HasSubstr("stopped on request"));
  EXPECT_EQ(server.opens, 1u);
  EXPECT_LT(server.sends, 20u);
  EXPECT_TRUE(clock.waits.empty());
  options.stop = nullptr;
  ASSERT_TRUE(transfer());
  EXPECT_EQ(server.sends, 20u);
}

TEST_F(TransferTest, who_may_not_go_on_is_not_retried_and_keeps_the_session) {
  int asked = 0;
  options.may_go_on = [&](ByteCount next) -> SendOutcome<void> {
    EXPECT_EQ(next, asked == 0 ? 0 : kPieceSize);
    if (++asked == 6) return SendFailure(Failure(ErrorCode::refused, "metered"), Remedy::wait);
    return {};
  };
  ASSERT_FALSE(transfer());
  EXPECT_EQ(server.opens, 1u);
  EXPECT_FALSE(session.id.empty());
}

TEST_F(TransferTest, a_state_that_cannot_be_stored_ends_it_before_bytes_are_sent) {
  options.store = [](const TransferSession&) { return Outcome<void>(Failure(ErrorCode::no_space, "full")); };
  const auto sent = transfer();
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().failure.code, ErrorCode::no_space);
  EXPECT_EQ(server.sends, 0u);
}

TEST_F(TransferTest, the_budget_of_the_run_ends_retries) {
  RetryBudget budget;
  while (budget.tokens() >= 2 * RetryBudget::kPerRetry) ASSERT_TRUE(budget.take_retry());
  options.budget = &budget;
  options.retry.attempts_max = 100;
  server.before_send = [](const Piece&) {
    return std::optional(SendFailure(Failure(ErrorCode::io, "cut"), Remedy::wait));
  };
  EXPECT_FALSE(transfer());
  EXPECT_EQ(server.opens, 2u);
}

TEST(StoppableClockTest, a_wait_ends_with_the_request) {
  auto stop = StopRequest::make();
  ASSERT_TRUE(stop);
  stop->request();
  stop->request();
  StoppableClock clock(*stop);
  const auto before = clock.since_boot();
  clock.sleep_for(std::chrono::hours(1));
  EXPECT_LT(clock.since_boot() - before, std::chrono::minutes(30));
}

}  // namespace
}  // namespace warmdump
