#include "upload/destination/broker_destination.h"

#include <map>
#include <mutex>

#include "common/hosted/ascii.h"
#include "upload/destination/broker_sources.h"
#include "upload/destination/put_destination.h"
#include "upload/destination/server_words.h"
#include "upload/destination/wanted.h"
#include "upload/transfer/retry_policy.h"

namespace warmdump {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::string_view kScheme = "broker:";
constexpr std::size_t kNameMax = 64;
constexpr unsigned kTicketsForOneSend = 2;

struct TicketInHand {
  PutTicket ticket;
  SteadyClock::time_point received;

  bool is_expired() const { return ticket.expires_in && SteadyClock::now() >= received + *ticket.expires_in; }
};

// The answers of stores to a ticket that is no longer good; S3's for an expired token is 400.
bool may_be_the_ticket(unsigned status) {
  return status == 400 || status == 401 || status == 403;
}

class BrokerDestination final : public Destination {
 public:
  BrokerDestination(std::string name, std::unique_ptr<TicketSource> broker,
                    std::unique_ptr<HttpTransport> store)
      : name_(std::move(name)), broker_(std::move(broker)), store_(std::move(store)) {}

  std::string name() const override {
    return std::string(kScheme) + (name_.empty() ? broker_->name() : name_);
  }

  SendOutcome<Standing> open(const ObjectToSend& object, TransferSession& session) override {
    session = {};
    session.protocol = "put";
    session.piece_size = object.size;
    TicketInHand in_hand = TRY(ask(object));
    Standing standing;
    if (in_hand.ticket.already_there) {
      standing.complete = ObjectReceipt{object.key, "", ""};
      standing.bytes_there = object.size;
      return standing;
    }
    const std::lock_guard lock(mutex_);
    tickets_.insert_or_assign(object.key, std::move(in_hand));
    standing.missing = {{1, 0, object.size}};
    return standing;
  }

  SendOutcome<SentPiece> send(const ObjectToSend& object, const TransferSession&, const Piece& piece,
                              const BytesDone& done) override {
    for (unsigned tickets = 1;; ++tickets) {
      const TicketInHand in_hand = TRY(take_or_ask(object));
      if (in_hand.ticket.already_there) return SentPiece{piece, ""};
      auto answer = put(object, piece, done, in_hand.ticket);
      const std::string step = "cannot send " + object.key + " to " + in_hand.ticket.url.authority();
      if (!answer.has_value()) return std::move(answer.error()).in(step);
      if (meaning_of_status(answer->status) == StatusMeaning::stored) {
        return SentPiece{piece, quotable(answer->header("etag"))};
      }
      if (may_be_the_ticket(answer->status) && tickets < kTicketsForOneSend) continue;
      return refused(*answer).in(step);
    }
  }

  SendOutcome<ObjectReceipt> finish(const ObjectToSend& object, const TransferSession& session) override {
    return ObjectReceipt{object.key, session.sent.empty() ? "" : session.sent.front().tag, ""};
  }

  void abandon(const ObjectToSend& object, const TransferSession&) override {
    const std::lock_guard lock(mutex_);
    tickets_.erase(object.key);
  }

  SendOutcome<std::optional<Want>> asked_for(std::string_view dump_key) override {
    return wants_.take(dump_key);
  }

 private:
  SendOutcome<TicketInHand> ask(const ObjectToSend& object) {
    auto ticket = broker_->ticket_for(object);
    if (!ticket.has_value()) {
      return std::move(ticket.error()).in("cannot get a ticket for " + object.key);
    }
    if (ticket->want) wants_.hear(object.key, *ticket->want);
    return TicketInHand{std::move(*ticket), SteadyClock::now()};
  }

  // The one that open() got, as long as it is good; each is used once.
  SendOutcome<TicketInHand> take_or_ask(const ObjectToSend& object) {
    {
      const std::lock_guard lock(mutex_);
      if (auto found = tickets_.extract(object.key); found && !found.mapped().is_expired()) {
        return std::move(found.mapped());
      }
    }
    return ask(object);
  }

  SendOutcome<HttpAnswer> put(const ObjectToSend& object, const Piece& piece, const BytesDone& done,
                              const PutTicket& ticket) const {
    HttpRequest request = put_request(object, piece, done);
    request.url = ticket.url;
    request.query = ticket.query;
    request.headers.emplace_back("User-Agent", "warmdump/" WARMDUMP_VERSION);
    for (const auto& [name, value] : ticket.headers) {
      // The broker may have signed another Content-Type.
      std::erase_if(request.headers, [lower = lower_case(name)](const auto& header) {
        return lower_case(header.first) == lower;
      });
      request.headers.emplace_back(name, value);
    }
    return store_->exchange(request);
  }

  static SendFailure refused(const HttpAnswer& answer) {
    if (!may_be_the_ticket(answer.status)) return put_refusal(answer);
    return refusal(answer, "; the ticket of the broker was refused, and so was a second one");
  }

  const std::string name_;
  const std::unique_ptr<TicketSource> broker_;
  const std::unique_ptr<HttpTransport> store_;
  std::mutex mutex_;
  std::map<std::string, TicketInHand> tickets_;  // by key
  HeardWants wants_;
};

bool is_name(std::string_view name) {
  return name.size() <= kNameMax && has_only_alphanumerics_and("._-", name);
}

}  // namespace

std::unique_ptr<Destination> make_broker_destination(const std::string& name,
                                                     std::unique_ptr<TicketSource> broker,
                                                     std::unique_ptr<HttpTransport> store) {
  return std::make_unique<BrokerDestination>(name, std::move(broker), std::move(store));
}

Outcome<std::unique_ptr<Destination>> make_broker_destination(const std::string& address,
                                                              const DestinationOptions& options) {
  const std::string name = address.substr(kScheme.size());
  if (!is_name(name)) {
    return Failure(ErrorCode::invalid,
                   "broker: may be followed by a name of [A-Za-z0-9._-]; who is asked for addresses says "
                   "--broker-url or --broker-command");
  }
  if (options.broker_command.empty() == options.broker_url.empty()) {
    return Failure(ErrorCode::invalid, "broker: needs either --broker-url or --broker-command");
  }
  std::unique_ptr<TicketSource> broker;
  if (!options.broker_command.empty()) {
    if (!options.credentials_file.empty()) {
      return Failure(ErrorCode::invalid, "--credentials-file has no meaning with --broker-command");
    }
    broker = TRY(make_broker_command(options.broker_command));
  } else {
    const Url url = TRY(in_context("--broker-url", parse_url(options.broker_url)));
    if (!url.is_https && !is_loopback(url)) {
      return Failure(ErrorCode::refused, "--broker-url must be https: its answers are rights to write");
    }
    // What is for https may be for the store alone.
    DestinationOptions for_broker = options;
    if (!url.is_https) {
      for_broker.ca_file.clear();
      for_broker.client_certificate_file.clear();
      for_broker.client_key_file.clear();
    }
    broker = make_broker_url(TRY(open_http_place(url, for_broker)));
  }
  return make_broker_destination(name, std::move(broker), TRY(make_transport(true, options)));
}

}  // namespace warmdump
