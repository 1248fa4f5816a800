#include "tests/upload/fault_server.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <stdexcept>
#include <vector>

namespace warmdump {
namespace {

constexpr int kPollMilliseconds = 20;

bool wait_for(int fd, short events, const std::atomic<bool>& stopping) {
  while (!stopping) {
    pollfd item{fd, events, 0};
    if (poll(&item, 1, kPollMilliseconds) > 0) return true;
  }
  return false;
}

}  // namespace

std::string FaultServer::Connection::read_header() {
  std::string header;
  char byte;
  while (!header.ends_with("\r\n\r\n")) {
    if (!wait_for(fd_, POLLIN, stopping_) || recv(fd_, &byte, 1, 0) != 1) return "";
    header += byte;
  }
  return header;
}

bool FaultServer::Connection::read_bytes(std::size_t bytes) {
  std::vector<char> buffer(64 * 1024);
  while (bytes > 0) {
    if (!wait_for(fd_, POLLIN, stopping_)) return false;
    const ssize_t got = recv(fd_, buffer.data(), std::min(bytes, buffer.size()), 0);
    if (got <= 0) return false;
    bytes -= static_cast<std::size_t>(got);
  }
  return true;
}

std::string FaultServer::Connection::read_text(std::size_t bytes) {
  std::string text(bytes, '\0');
  std::size_t done = 0;
  while (done < bytes && wait_for(fd_, POLLIN, stopping_)) {
    const ssize_t got = recv(fd_, text.data() + done, bytes - done, 0);
    if (got <= 0) break;
    done += static_cast<std::size_t>(got);
  }
  text.resize(done);
  return text;
}

bool FaultServer::Connection::send(std::string_view text) {
  while (!text.empty()) {
    if (!wait_for(fd_, POLLOUT, stopping_)) return false;
    const ssize_t sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool FaultServer::Connection::wait(std::chrono::milliseconds duration) {
  const auto end = std::chrono::steady_clock::now() + duration;
  while (!stopping_ && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(std::min(duration, std::chrono::milliseconds(kPollMilliseconds)));
  }
  return !stopping_;
}

bool FaultServer::Connection::has_more() {
  pollfd item{fd_, POLLIN, 0};
  char byte;
  return poll(&item, 1, 100) > 0 && recv(fd_, &byte, 1, MSG_PEEK) == 1;
}

void FaultServer::Connection::reset() {
  const linger now{1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

FaultServer::FaultServer(Script script) : listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  if (bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), length) != 0 ||
      listen(listener_.get(), 16) != 0 ||
      getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    throw std::runtime_error("cannot listen on loopback");
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this, script = std::move(script)] { serve(script); });
}

FaultServer::~FaultServer() {
  stopping_ = true;
  thread_.join();
}

void FaultServer::serve(const Script& script) {
  while (wait_for(listener_.get(), POLLIN, stopping_)) {
    {
      const UniqueFd accepted(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!accepted.valid()) continue;
      Connection connection(accepted.get(), stopping_);
      script(connection, connections_++);
    }
    ++closed_;
  }
}

}  // namespace warmdump
