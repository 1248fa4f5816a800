#include "upload/destination/broker_sources.h"

#include <unistd.h>

#include <cerrno>
#include <sstream>

#include "upload/destination/server_words.h"
#include "upload/transfer/retry_policy.h"

namespace warmdump {
namespace {

constexpr int kExitTryLater = 75;  // EX_TEMPFAIL of sysexits.h

std::string last_line(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) {
    text.remove_suffix(1);
  }
  const auto line = text.rfind('\n');
  return quotable(text.substr(line == text.npos ? 0 : line + 1));
}

class BrokerCommand final : public TicketSource {
 public:
  BrokerCommand(std::vector<std::string> arguments, const HelperLimits& limits)
      : arguments_(std::move(arguments)), limits_(limits) {}

  std::string name() const override { return arguments_.front(); }

  SendOutcome<PutTicket> ticket_for(const ObjectToSend& object) override {
    auto end = run_helper(arguments_, ticket_request(object), limits_);
    if (!end.has_value()) {
      const bool may_pass = end.error().code == ErrorCode::timed_out || end.error().code == ErrorCode::io;
      return SendFailure(std::move(end.error()), may_pass ? Remedy::wait : Remedy::change_sink);
    }
    if (end->exit_code != 0) {
      const std::string said = last_line(end->errors);
      return SendFailure(
          Failure(ErrorCode::io, name() + " ended with exit code " + std::to_string(end->exit_code) +
                                     (said.empty() ? "" : ": " + said)),
          end->exit_code == kExitTryLater ? Remedy::wait : Remedy::change_sink);
    }
    auto ticket = in_context(name(), parse_ticket(end->output));
    if (!ticket.has_value()) return SendFailure(std::move(ticket.error()), Remedy::change_sink);
    return std::move(*ticket);
  }

 private:
  std::vector<std::string> arguments_;
  HelperLimits limits_;
};

class BrokerUrl final : public TicketSource {
 public:
  explicit BrokerUrl(HttpPlace place) : place_(std::move(place)) {}

  std::string name() const override { return place_.url.text(); }

  SendOutcome<PutTicket> ticket_for(const ObjectToSend& object) override {
    const TextSource text(ticket_request(object));
    HttpRequest request;
    request.method = "POST";
    request.url = place_.url;
    request.headers = place_.headers();
    request.headers.emplace_back("Content-Type", "application/json");
    request.headers.emplace_back("Accept", "application/json");
    request.body = &text;
    request.body_bytes = text.text().size();
    auto answer = place_.transport->exchange(request);
    if (!answer.has_value()) return std::move(answer.error()).in(name());
    if (answer->status != 200 && answer->status != 201) {
      return refusal(*answer, answer->status == 401 ? "; check --credentials-file" : "").in(name());
    }
    if (answer->body_is_cut) {
      return SendFailure(Failure(ErrorCode::invalid, name() + ": the broker's answer is not whole"),
                         Remedy::wait);
    }
    auto ticket = in_context(name(), parse_ticket(answer->body));
    if (!ticket.has_value()) return SendFailure(std::move(ticket.error()), Remedy::change_sink);
    return std::move(*ticket);
  }

 private:
  HttpPlace place_;
};

}  // namespace

Outcome<std::unique_ptr<TicketSource>> make_broker_command(const std::string& command,
                                                           const HelperLimits& limits) {
  std::istringstream words(command);
  std::vector<std::string> arguments;
  for (std::string word; words >> word;) arguments.push_back(word);
  if (arguments.empty() || !arguments.front().starts_with('/')) {
    return Failure(ErrorCode::invalid, "--broker-command must begin with the absolute path of a program");
  }
  if (access(arguments.front().c_str(), X_OK) != 0) {
    return Failure::system("cannot use --broker-command " + arguments.front(), errno);
  }
  return std::unique_ptr<TicketSource>(std::make_unique<BrokerCommand>(std::move(arguments), limits));
}

std::unique_ptr<TicketSource> make_broker_url(HttpPlace place) {
  return std::make_unique<BrokerUrl>(std::move(place));
}

}  // namespace warmdump
