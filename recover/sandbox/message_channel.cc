#include "recover/sandbox/message_channel.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <iterator>

#include "common/hosted/interruption.h"

namespace warmdump {
namespace {

using Size = std::uint32_t;
using std::chrono::duration_cast, std::chrono::milliseconds, std::chrono::seconds;

}  // namespace

bool send_bytes(int socket, std::span<const char> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(socket, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return true;
}

bool receive_bytes(int socket, std::span<char> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::read(socket, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return true;
}

bool send_message(int socket, const nlohmann::json& message) {
  const std::string text = message.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  if (text.size() > kMessageSizeMax) return false;
  const auto size = static_cast<Size>(text.size());
  std::string bytes(sizeof(size), '\0');
  std::memcpy(bytes.data(), &size, sizeof(size));
  bytes += text;
  return send_bytes(socket, bytes);
}

MessageReceiver::MessageReceiver(int socket, const Limits& limits)
    : socket_(socket), limits_(limits), end_(Clock::now() + limits.total) {}

Outcome<std::optional<nlohmann::json>> MessageReceiver::next() {
  using Message = std::optional<nlohmann::json>;
  const auto silent_since = Clock::now();
  std::string bytes;
  if (!TRY(fill(bytes, sizeof(Size), silent_since))) return Message();
  Size size = 0;
  std::memcpy(&size, bytes.data(), sizeof(size));
  if (size > kMessageSizeMax) {
    return Failure(ErrorCode::corrupt,
                   fmt::format("sent a message of {} bytes, and may send {}", size, kMessageSizeMax));
  }
  TRY(count_message());
  if (!TRY(fill(bytes, size, silent_since))) return Message();
  nlohmann::json message = nlohmann::json::parse(bytes, nullptr, false);
  if (!message.is_object()) return Failure(ErrorCode::corrupt, "sent something that is no message");
  return Message(std::move(message));
}

Outcome<bool> MessageReceiver::fill(std::string& target, std::size_t size, Clock::time_point silent_since) {
  target.resize(size);
  for (std::size_t filled = 0; filled < size;) {
    TRY(wait(silent_since));
    const ssize_t count = ::read(socket_, target.data() + filled, size - filled);
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (count < 0 && errno != ECONNRESET) return Failure::system("cannot be heard", errno);
    if (count <= 0) return false;
    filled += static_cast<std::size_t>(count);
  }
  return true;
}

Outcome<void> MessageReceiver::wait(Clock::time_point silent_since) {
  for (;;) {
    if (auto interrupted = interruption()) return std::move(*interrupted);
    const auto now = Clock::now();
    if (now >= silent_since + limits_.silence) {
      return Failure(ErrorCode::timed_out, fmt::format("gave no sign of life for {} s",
                                                       duration_cast<seconds>(limits_.silence).count()));
    }
    if (now >= end_) {
      return Failure(ErrorCode::timed_out,
                     fmt::format("was not done after {} s", duration_cast<seconds>(limits_.total).count()));
    }
    const auto left = duration_cast<milliseconds>(std::min(silent_since + limits_.silence, end_) - now);
    // A negative descriptor is skipped.
    pollfd waiting[] = {{socket_, POLLIN, 0}, {interruption_descriptor(), POLLIN, 0}};
    const int ready =
        ::poll(waiting, std::size(waiting), static_cast<int>(std::min<long long>(left.count() + 1, 60'000)));
    if (ready > 0 && waiting[0].revents != 0) return {};
    if (ready < 0 && errno != EINTR) return Failure::system("cannot be waited for", errno);
  }
}

Outcome<void> MessageReceiver::count_message() {
  const auto now = Clock::now();
  if (now - second_start_ >= seconds(1)) {
    second_start_ = now;
    in_this_second_ = 0;
  }
  if (++in_this_second_ > limits_.per_second) {
    return Failure(ErrorCode::corrupt,
                   fmt::format("sent more than {} messages in a second", limits_.per_second));
  }
  return {};
}

}  // namespace warmdump
