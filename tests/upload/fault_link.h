// FaultLink: a client's connection and the one to the server behind it, with at most one fault in waiting.

#pragma once

#include <poll.h>

#include <array>
#include <chrono>
#include <optional>
#include <vector>

#include "common/hosted/unique_fd.h"
#include "tests/upload/fault.h"

namespace warmdump {

class FaultSource {
 public:
  virtual ~FaultSource() = default;
  // Asked when a fault is due; counts it. False: it does not happen, there were enough.
  virtual bool happens(Fault::Kind kind) = 0;
  virtual void passed(ByteCount client_bytes) = 0;
  // For a connection that went on after a fault.
  virtual Fault next() = 0;
};

// Moves bytes in the loop of its owner: add_to, poll, step.
class FaultLink {
 public:
  // `source` must outlive it. Both descriptors are connected.
  FaultLink(FaultSource& source, UniqueFd client, UniqueFd server, std::optional<Fault> fault);

  bool is_over() const { return is_over_; }
  // Two entries.
  void add_to(std::vector<pollfd>& polled);
  void step(const std::vector<pollfd>& polled);

 private:
  using SteadyClock = std::chrono::steady_clock;

  struct Side {
    UniqueFd fd;
    std::vector<char> to_write = {};  // came from the other side
    ByteCount turn_bytes = 0;         // that this side has sent since the other did
    bool has_ended = false;           // sends nothing any more
    bool was_told_end = false;        // knows that the other sends nothing any more
    bool is_gone = false;
  };

  bool is_still() const { return held_until_.has_value() && !throttled_; }
  bool can_read(std::size_t at) const;
  ByteCount allowance(std::size_t at) const;
  void read_from(std::size_t at);
  void write_to(std::size_t at);
  void happen();
  void end_hold();
  void drain(SteadyClock::time_point now);
  void reset();

  FaultSource& source_;
  std::array<Side, 2> sides_;  // client, server
  std::optional<Fault> fault_;
  std::optional<SteadyClock::time_point> held_until_;   // stall, pause, throttle
  std::optional<SteadyClock::time_point> drain_until_;  // after close
  SteadyClock::time_point next_read_;                   // of a throttled one
  bool throttled_ = false;
  bool resets_after_hold_ = false;
  bool is_over_ = false;
  std::size_t first_polled_ = 0;
};

}  // namespace warmdump
