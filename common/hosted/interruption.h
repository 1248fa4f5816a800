// InterruptionWatch: SIGINT, SIGTERM and SIGHUP as something that long work sees, so that it can clear away
// what is not finished. A second one ends the program at once, as if nobody watched.

#pragma once

#include <optional>

#include "common/hosted/failure.h"

namespace warmdump {

class InterruptionWatch {
 public:
  // Watches while it lives. Inside of another one it does nothing. A signal that was ignored stays so. Of one
  // thread only.
  InterruptionWatch();
  InterruptionWatch(const InterruptionWatch&) = delete;
  InterruptionWatch& operator=(const InterruptionWatch&) = delete;
  // A signal that nobody was told of by interruption() is raised again.
  ~InterruptionWatch();

 private:
  bool is_outermost_ = false;
};

// Readable once a signal has come; -1 where nobody watches. For poll(2).
int interruption_descriptor();

// The signal that came while somebody watched; 0: none. Stays.
int interruption_signal();

// "interrupted by SIGTERM", ErrorCode::io with EINTR, once a signal has come.
std::optional<Failure> interruption();
bool is_interruption(const Failure& failure);

// In a child process: these signals are the parent's business, who ends the child.
void leave_interruptions_to_the_parent();

}  // namespace warmdump
