#include "cli/service_notifier.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace warmdump {
namespace {

constexpr auto kStatusInterval = std::chrono::seconds(1);

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value != nullptr ? value : "";
}

std::uint64_t number_of(const std::string& text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? number : 0;
}

// Of this process, not of one that started it.
std::chrono::microseconds watchdog_of_environment() {
  const std::string process = variable("WATCHDOG_PID");
  if (!process.empty() && number_of(process) != static_cast<std::uint64_t>(::getpid())) return {};
  constexpr std::uint64_t kYear = 365ULL * 24 * 3600 * 1'000'000;
  return std::chrono::microseconds(std::min(number_of(variable("WATCHDOG_USEC")), kYear));
}

UniqueFd connected(const std::string& name) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const bool is_named = name.starts_with('/') || name.starts_with('@');
  if (!is_named || name.size() >= sizeof address.sun_path) return {};
  std::memcpy(address.sun_path, name.data(), name.size());
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';
  UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  if (!fd.valid() || ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0) return {};
  return fd;
}

}  // namespace

ServiceNotifier::ServiceNotifier() : ServiceNotifier(variable("NOTIFY_SOCKET"), watchdog_of_environment()) {}

ServiceNotifier::ServiceNotifier(const std::string& socket, std::chrono::microseconds watchdog)
    : socket_(connected(socket)) {
  if (socket_.valid()) interval_ = std::chrono::duration_cast<std::chrono::milliseconds>(watchdog) / 3;
}

void ServiceNotifier::status(std::string_view text, bool now) {
  const std::lock_guard lock(mutex_);
  const auto time = std::chrono::steady_clock::now();
  if (!now && time - last_status_ < kStatusInterval) return;
  last_status_ = time;
  std::string line(text.substr(0, 512));
  std::replace(line.begin(), line.end(), '\n', ' ');
  send("STATUS=" + line);
}

void ServiceNotifier::alive() {
  if (interval_.count() == 0) return;
  const std::lock_guard lock(mutex_);
  const auto time = std::chrono::steady_clock::now();
  if (time - last_alive_ < interval_ / 2) return;
  last_alive_ = time;
  send("WATCHDOG=1");
}

void ServiceNotifier::send(std::string_view text) {
  if (socket_.valid()) [[maybe_unused]]
    const ssize_t sent = ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL);
}

}  // namespace warmdump
