// Does the link to the network cost by volume?

#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "upload/transfer/clock.h"

namespace warmdump {

// What NetworkManager's property Metered means, as busctl prints it ("u 4"): 1 yes, 3 guessed yes; 2 no, 4
// guessed no. Nothing for 0, unknown, and for any other text.
std::optional<bool> metered_of_property(std::string_view busctl_output);

class MeteredLink {
 public:
  // `command`: an absolute path; status 0 is metered, every other is not. Empty: NetworkManager is asked by
  // way of `busctl`.
  MeteredLink(std::string command, std::string busctl, Clock& clock)
      : command_(std::move(command)), busctl_(std::move(busctl)), clock_(clock) {}

  // Links change while a dump is sent, so this is asked again and again, and looks again after 30 s. What
  // cannot be told is nothing; `complaint()` then says why, once.
  std::optional<bool> is_metered();
  // What went wrong since this was asked last; empty for nothing.
  std::string complaint();

 private:
  std::optional<bool> look();

  std::string command_;
  std::string busctl_;
  Clock& clock_;
  std::optional<std::chrono::milliseconds> looked_at_;
  std::optional<bool> seen_;
  std::string complaint_;
  bool has_complained_ = false;
};

}  // namespace warmdump
