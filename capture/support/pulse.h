// Pulse: what every long loop of the capture calls. It shows that the capture gets on, and says when to stop.
// No heap.

#pragma once

#include "capture/support/deadline.h"

namespace warmdump {

// Hears that the capture is alive; called up to thousands of times a second.
class Heartbeat {
 public:
  virtual void beat() = 0;

 protected:
  ~Heartbeat() = default;
};

class Pulse {
 public:
  // `heartbeat` may be nullptr; otherwise it must outlive this object.
  Pulse(const Deadline& deadline, Heartbeat* heartbeat) : deadline_(deadline), heartbeat_(heartbeat) {}

  // At least once a chunk, a frame, or a megabyte of anything read. False, from then on always, when the
  // deadline has passed: the loop then ends and leaves out the rest.
  bool beat() {
    if (heartbeat_ != nullptr) heartbeat_->beat();
    is_over_ = is_over_ || deadline_.passed();
    return !is_over_;
  }

  // True once a beat() has met the deadline.
  bool is_over() const { return is_over_; }

 private:
  Deadline deadline_;
  Heartbeat* heartbeat_;
  bool is_over_ = false;
};

}  // namespace warmdump
