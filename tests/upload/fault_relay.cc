#include "tests/upload/fault_relay.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <optional>
#include <stdexcept>

#include "tests/servers/server_process.h"

namespace warmdump {
namespace {

constexpr int kPollMilliseconds = 5;

}  // namespace

FaultRelay::FaultRelay(std::uint16_t server_port, std::uint64_t seed, unsigned faults,
                       const FaultBounds& bounds)
    : server_port_(server_port),
      bounds_(bounds),
      listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)),
      random_(seed),
      budget_(faults) {
  sockaddr_in address = test::loopback(0);
  socklen_t length = sizeof address;
  if (bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), length) != 0 ||
      listen(listener_.get(), 256) != 0 ||
      getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    throw std::runtime_error("cannot listen on loopback");
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

FaultRelay::~FaultRelay() {
  stopping_ = true;
  thread_.join();
}

std::string FaultRelay::account() const {
  const std::lock_guard lock(mutex_);
  std::string text;
  for (const auto& [kind, count] : account_) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", fault_name(kind), count);
  }
  return text;
}

void FaultRelay::serve() {
  while (!stopping_) {
    std::vector<pollfd> polled = {{listener_.get(), POLLIN, 0}};
    for (const auto& link : links_) link->add_to(polled);
    poll(polled.data(), polled.size(), kPollMilliseconds);
    for (const auto& link : links_) link->step(polled);
    std::erase_if(links_, [](const auto& link) { return link->is_over(); });
    if ((polled[0].revents & POLLIN) != 0) accept_one();
  }
}

void FaultRelay::accept_one() {
  UniqueFd client(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!client.valid()) return;
  ++connections_;
  std::optional<Fault> fault;
  if (budget_ > 0) fault = draw_fault(random_, bounds_);
  const sockaddr_in address = test::loopback(server_port_);
  UniqueFd server(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const bool refused = fault && fault->kind == Fault::Kind::refuse && happens(Fault::Kind::refuse);
  // To loopback: at once, or refused at once.
  if (refused || !server.valid() ||
      connect(server.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const linger at_once{1, 0};
    setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    return;
  }
  const int on = 1;
  for (const int fd : {client.get(), server.get()}) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  FaultSource& source = *this;
  links_.push_back(std::make_unique<FaultLink>(source, std::move(client), std::move(server), fault));
}

bool FaultRelay::happens(Fault::Kind kind) {
  if (budget_ == 0) return false;
  --budget_;
  ++happened_;
  const std::lock_guard lock(mutex_);
  ++account_[kind];
  return true;
}

}  // namespace warmdump
