// Messages between recovery and the reader of a dump: a number of bytes (4, little-endian), then that much
// JSON. The reader may be in the hands of whoever made the dump, so whatever comes from it is bounded here in
// size and number, and is JSON and UTF-8, or it is a Failure.

#pragma once

#include <chrono>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>

#include "common/hosted/failure.h"
#include "common/units.h"

namespace warmdump {

inline constexpr std::size_t kMessageSizeMax = 64 * kKiB;

// Of the reader's side. Blocks. False when nobody listens any more. Text that is no UTF-8 is made so; a
// message that would be too large is not sent.
bool send_message(int socket, const nlohmann::json& message);

// All of these bytes, on the reader's side, False when the other side is gone.
bool send_bytes(int socket, std::span<const char> bytes);
bool receive_bytes(int socket, std::span<char> bytes);

class MessageReceiver {
 public:
  struct Limits {
    std::chrono::milliseconds silence{
        std::chrono::minutes(10)};  // a slow disk flushes a large file that long
    std::chrono::milliseconds total{std::chrono::hours(12)};
    unsigned per_second = 1000;
  };

  // `socket` is borrowed. The time of Limits::total begins here.
  MessageReceiver(int socket, const Limits& limits);

  // nullopt: the other side has closed.
  // Errors: timed_out (silent, or too long in all), corrupt (too large, too many, no JSON object), io,
  // interruption().
  Outcome<std::optional<nlohmann::json>> next();

 private:
  using Clock = std::chrono::steady_clock;

  // False when the other side has closed before.
  Outcome<bool> fill(std::string& target, std::size_t size, Clock::time_point silent_since);
  Outcome<void> wait(Clock::time_point silent_since);
  Outcome<void> count_message();

  int socket_;
  Limits limits_;
  Clock::time_point end_;
  Clock::time_point second_start_{};
  unsigned in_this_second_ = 0;
};

}  // namespace warmdump
