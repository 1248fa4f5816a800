#include "upload/transfer/transfer.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <mutex>
#include <random>
#include <system_error>
#include <thread>

namespace warmdump {
namespace {

std::function<double()> seeded_random() {
  return [engine = std::mt19937_64(std::random_device{}())]() mutable {
    return std::uniform_real_distribution<double>(0, 1)(engine);
  };
}

SendFailure stopped() {
  return {Failure(ErrorCode::busy, "stopped on request; the next run goes on from here"), Remedy::wait};
}

// Ends a piece in its middle: nothing else interrupts a request that is being sent.
class StoppableBytes final : public ByteSource {
 public:
  StoppableBytes(const ByteSource& bytes, const StopRequest* stop) : bytes_(bytes), stop_(stop) {}

  Outcome<std::size_t> read(ByteCount offset, std::span<std::byte> target) const override {
    if (stop_ != nullptr && stop_->is_requested()) return stopped().failure;
    return bytes_.read(offset, target);
  }

 private:
  const ByteSource& bytes_;
  const StopRequest* stop_;
};

class Transfer {
 public:
  Transfer(const ObjectToSend& object, Destination& destination, TransferSession& session,
           const TransferOptions& options, ByteCount bytes_before, UploadProgress& progress, Clock& clock)
      : bytes_(*object.bytes, options.stop),
        object_(object),
        destination_(destination),
        session_(session),
        options_(options),
        bytes_before_(bytes_before),
        progress_(progress),
        clock_(clock),
        random_(options.random ? options.random : seeded_random()),
        report_(options.account != nullptr ? *options.account : own_report_) {
    object_.bytes = &bytes_;
    report_ = {};
  }

  SendOutcome<TransferReport> run() {
    for (;;) {
      auto receipt = guarded_attempt();
      if (receipt.has_value()) {
        report_.receipt = std::move(*receipt);
        return report_;
      }
      if (is_halted_ || is_stopping()) return is_stopping() ? stopped() : std::move(receipt.error());
      TRY(recover_from(std::move(receipt.error())));
    }
  }

 private:
  bool is_stopping() const { return options_.stop != nullptr && options_.stop->is_requested(); }

  SendOutcome<ObjectReceipt> guarded_attempt() {
    try {
      return attempt();
    } catch (const std::exception& error) {
      return SendFailure(Failure(ErrorCode::io, std::string("cannot send: ") + error.what()));
    }
  }

  SendOutcome<ObjectReceipt> attempt() {
    TRY(ask_whether_to_go_on(0));
    auto standing = TRY(destination_.open(object_, session_));
    if (!standing.missing.empty()) session_.is_finishing = false;
    TRY(store());
    if (standing.complete) return std::move(*standing.complete);
    bytes_there_ = standing.bytes_there;
    progress_.update(bytes_before_ + bytes_there_);
    TRY(send_missing(std::move(standing.missing)));
    session_.is_finishing = true;
    TRY(store());
    return destination_.finish(object_, session_);
  }

  SendOutcome<void> send_missing(std::vector<Piece> missing) {
    missing_ = std::move(missing);
    next_ = 0;
    first_failure_.reset();
    const auto lanes =
        std::clamp<std::size_t>(missing_.size(), 1, std::max(destination_.pieces_at_once(), 1U));
    in_flight_.assign(lanes, 0);
    {
      std::vector<std::jthread> helpers;
      for (std::size_t lane = 1; lane < lanes; ++lane) {
        try {
          helpers.emplace_back([this, lane] { send_in_lane(lane); });
        } catch (const std::system_error&) {
          break;  // no more threads: with fewer it takes longer
        }
      }
      send_in_lane(0);
    }
    if (first_failure_) return std::move(*first_failure_);
    return {};
  }

  void send_in_lane(std::size_t lane) {
    std::unique_lock lock(mutex_);
    try {
      while (next_ < missing_.size() && !first_failure_) {
        auto outcome = send_next(lane, lock);
        if (!outcome.has_value() && !first_failure_) first_failure_ = std::move(outcome.error());
      }
    } catch (const std::exception& error) {
      if (!lock.owns_lock()) lock.lock();
      in_flight_[lane] = 0;
      if (first_failure_) return;
      first_failure_ = Failure(ErrorCode::io, std::string("cannot send: ") + error.what());
    }
  }

  SendOutcome<void> send_next(std::size_t lane, std::unique_lock<std::mutex>& lock) {
    TRY(ask_whether_to_go_on(missing_[next_].size));
    const Piece piece = missing_[next_++];
    ++report_.attempts;
    TransferSession session = session_;
    session.sent.clear();  // of 10000 pieces they are a megabyte, and a piece needs none of the others
    lock.unlock();
    auto sent = destination_.send(object_, session, piece, [&](ByteCount done) {
      const std::lock_guard guard(mutex_);
      report_.bytes_sent += done - std::min(done, in_flight_[lane]);
      in_flight_[lane] = done;
      tell_progress();
    });
    lock.lock();
    in_flight_[lane] = 0;
    if (!sent.has_value()) {
      tell_progress();
      return std::move(sent.error());
    }
    failures_.in_a_row = 0;
    if (options_.budget != nullptr) options_.budget->piece_arrived();
    bytes_there_ += piece.size;
    tell_progress();
    session_.sent.push_back(std::move(*sent));
    if (clock_.since_boot() - stored_at_ < options_.store_interval) return {};
    return store();
  }

  SendOutcome<void> ask_whether_to_go_on(ByteCount next_bytes) {
    if (is_stopping()) return stopped();
    auto answer = options_.may_go_on ? options_.may_go_on(next_bytes) : SendOutcome<void>();
    is_halted_ = is_halted_ || !answer.has_value();
    return answer;
  }

  void tell_progress() {
    ByteCount done = bytes_before_ + bytes_there_;
    for (const ByteCount bytes : in_flight_) done += bytes;
    progress_.update(done);
  }

  SendOutcome<void> store() {
    stored_at_ = clock_.since_boot();
    if (!options_.store) return {};
    auto stored = options_.store(session_);
    is_halted_ = is_halted_ || !stored.has_value();
    if (!stored.has_value()) return SendFailure(std::move(stored.error()));
    return {};
  }

  // Waits, or says why it is over.
  SendOutcome<void> recover_from(SendFailure&& failure) {
    ++failures_.in_a_row;
    failures_.rereads += failure.remedy == Remedy::read_again ? 1 : 0;
    failures_.beginnings += failure.remedy == Remedy::begin_again ? 1 : 0;
    const auto decision = decide_retry(options_.retry, failure, failures_, random_());
    if (failure.remedy == Remedy::begin_again) {
      // Where the server knows the session still, it must not keep its bytes for ever.
      if (!session_.id.empty()) destination_.abandon(object_, session_);
      session_ = {};
      TRY(store());
    }
    if (!decision.again) return give_up(std::move(failure));
    if (options_.budget != nullptr && !options_.budget->take_retry()) return give_up(std::move(failure));
    progress_.note(fmt::format("{}; {}: attempt {} of {} in {:.1f} s", failure.failure.message, object_.key,
                               failures_.in_a_row + 1, options_.retry.attempts_max,
                               static_cast<double>(decision.delay.count()) / 1000));
    if (decision.delay.count() > 0) clock_.sleep_for(decision.delay);
    return {};
  }

  SendFailure give_up(SendFailure&& failure) {
    if (!is_temporary(failure)) return std::move(failure);
    if (failure.retry_after && *failure.retry_after > options_.retry.patience) {
      failure.failure.message += fmt::format("; it asks to come back in {} s", failure.retry_after->count());
    }
    failure.failure.message += fmt::format("; gave up after {} attempt{}, try again later",
                                           failures_.in_a_row, failures_.in_a_row == 1 ? "" : "s");
    return std::move(failure);
  }

  const StoppableBytes bytes_;
  ObjectToSend object_;
  Destination& destination_;
  TransferSession& session_;
  const TransferOptions& options_;
  const ByteCount bytes_before_;
  UploadProgress& progress_;
  Clock& clock_;
  std::function<double()> random_;
  TransferReport own_report_;

  std::mutex mutex_;  // while lanes run: everything below, and progress_ and session_
  TransferReport& report_;
  Failures failures_;
  std::vector<Piece> missing_;
  std::size_t next_ = 0;
  ByteCount bytes_there_ = 0;
  std::vector<ByteCount> in_flight_;  // by lane
  std::optional<SendFailure> first_failure_;
  std::chrono::milliseconds stored_at_{0};
  bool is_halted_ = false;  // by may_go_on or store: no retry helps
};

}  // namespace

SendOutcome<TransferReport> transfer_object(const ObjectToSend& object, Destination& destination,
                                            TransferSession& session, const TransferOptions& options,
                                            ByteCount bytes_before, UploadProgress& progress, Clock& clock) {
  return Transfer(object, destination, session, options, bytes_before, progress, clock).run();
}

}  // namespace warmdump
