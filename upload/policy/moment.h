// Moment: a point in time that stands when the clock of day does not. A machine may boot with any time of day
// and have it corrected later; what is measured here never makes a wait longer than asked, and never makes a
// day shorter.

#pragma once

#include <chrono>
#include <cstdint>
#include <ctime>
#include <string>

namespace warmdump {

struct Moment {
  std::time_t wall = 0;                // seconds since 1970, as the system believes
  std::string boot_id = {};            // of the boot in which it was taken
  std::chrono::seconds since_boot{0};  // CLOCK_BOOTTIME: suspend counts
  std::chrono::seconds lived{0};       // uptime of all boots that was seen so far: never falls
  bool operator==(const Moment&) const = default;
};

// Before this (2025-01-01 UTC) no clock of day is believed.
inline constexpr std::time_t kEarliestWall = 1735689600;

// How much time has passed from `then` to `now`, at least: exact within one boot; between boots what the
// clocks of day say when both can be believed and do not run backwards, and never less than the uptime that
// was seen. Never negative.
std::chrono::seconds elapsed(const Moment& then, const Moment& now);

// `now.lived`, when `last` is the last moment that was stored: what has been seen since is added.
std::chrono::seconds lived_until(const Moment& last, const Moment& now);

// Something that is due a while after a moment.
struct Due {
  Moment from = {};
  std::chrono::seconds wait{0};  // 0: due at once
  bool operator==(const Due&) const = default;
};

// How long to wait still; 0 when it is due. Never more than `due.wait`, whatever clocks did.
std::chrono::seconds remaining(const Due& due, const Moment& now);

}  // namespace warmdump
