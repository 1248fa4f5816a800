#include "upload/wire/asio/dial.h"

#include <fmt/format.h>

#include <memory>

namespace warmdump::wire {
namespace {

using TimePoint = asio::steady_timer::time_point;

// One address. Shared with the handler of its deadline, which may be queued still when all else is over.
struct Attempt {
  Attempt(asio::io_context& context, const tcp::endpoint& where)
      : socket(context), deadline(context), endpoint(where) {}

  void close() {
    error_code ignored;
    deadline.cancel();
    socket.close(ignored);
  }

  tcp::socket socket;
  asio::steady_timer deadline;
  tcp::endpoint endpoint;
  bool is_late = false;
};

struct Dialing {
  explicit Dialing(asio::io_context& the_context) : context(the_context), step(the_context) {}

  asio::io_context& context;
  asio::steady_timer step;  // cancelled whenever an attempt ends
  std::vector<std::shared_ptr<Attempt>> attempts;
  unsigned running = 0;
  std::shared_ptr<Attempt> winner;
  std::string reasons;
};

std::string text_of(const tcp::endpoint& endpoint) {
  const std::string address = endpoint.address().to_string();
  const bool is_v6 = endpoint.address().is_v6();
  return (is_v6 ? "[" + address + "]" : address) + ":" + std::to_string(endpoint.port());
}

Task<void> attempt(Dialing& dialing, std::shared_ptr<Attempt> mine, std::chrono::milliseconds limit) {
  mine->deadline.expires_after(limit);
  mine->deadline.async_wait([mine](error_code error) {
    if (error) return;
    mine->is_late = true;
    mine->socket.close(error);
  });
  error_code error;
  co_await mine->socket.async_connect(mine->endpoint, into(error));
  mine->deadline.cancel();
  if (!error && !mine->is_late && !dialing.winner) {
    dialing.winner = mine;
    co_return;
  }
  if (dialing.winner) co_return;
  const std::string reason =
      mine->is_late ? fmt::format("no connection within {} s", static_cast<double>(limit.count()) / 1000)
                    : error.message();
  dialing.reasons += (dialing.reasons.empty() ? "" : ", ") + text_of(mine->endpoint) + ": " + reason;
}

void begin(Dialing& dialing, const tcp::endpoint& endpoint, std::chrono::milliseconds limit) {
  const auto started = std::make_shared<Attempt>(dialing.context, endpoint);
  dialing.attempts.push_back(started);
  ++dialing.running;
  asio::co_spawn(dialing.context, attempt(dialing, started, limit), [&dialing](std::exception_ptr) {
    --dialing.running;
    dialing.step.cancel();
  });
}

Task<void> until_one_ends(Dialing& dialing, TimePoint latest) {
  if (dialing.running == 0) co_return;
  dialing.step.expires_at(latest);
  co_await pause(dialing.step);
}

}  // namespace

bool is_link_local(const std::string& text) {
  error_code error;
  const auto address = asio::ip::make_address(text, error);
  if (error) return false;
  if (address.is_v6()) {
    const asio::ip::address_v6 v6 = address.to_v6();
    const auto bytes = v6.to_bytes();
    if (v6.is_v4_mapped()) return bytes[12] == 169 && bytes[13] == 254;
    return v6.is_link_local() || v6 == asio::ip::make_address_v6("fd00:ec2::254");
  }
  const auto bytes = address.to_v4().to_bytes();
  return bytes[0] == 169 && bytes[1] == 254;
}

Task<std::optional<SendFailure>> dial(asio::io_context& context, tcp::socket& socket,
                                      const std::vector<std::string>& addresses, std::uint16_t port,
                                      const HttpLimits& limits) {
  Dialing dialing(context);
  for (const std::string& address : addresses) {
    error_code error;
    const tcp::endpoint endpoint(asio::ip::make_address(address, error), port);
    if (error) continue;
    begin(dialing, endpoint, limits.connect);
    co_await until_one_ends(dialing, std::chrono::steady_clock::now() + limits.stagger);
    if (dialing.winner) break;
  }
  while (!dialing.winner && dialing.running > 0) co_await until_one_ends(dialing, TimePoint::max());
  for (const auto& other : dialing.attempts) {
    if (other != dialing.winner) other->close();
  }
  while (dialing.running > 0) co_await until_one_ends(dialing, TimePoint::max());
  if (!dialing.winner) co_return temporary("cannot connect to " + dialing.reasons);
  socket = std::move(dialing.winner->socket);
  error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  co_return std::nullopt;
}

}  // namespace warmdump::wire
