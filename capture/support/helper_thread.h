// HelperThread: a second thread for pure computation, on a static stack. No heap, no thread library.
//
// The thread shares the thread-local storage of the one that started it, errno above all: it must make no
// system call through the C library. Where this cannot be done (another architecture), start() says no.

#pragma once

#include <cstddef>

#include "capture/support/shared_word.h"
#include "common/units.h"

namespace warmdump {

class HelperThread {
 public:
  // Runs body(argument) beside the caller. False when there is no thread; nothing was started then.
  bool start(void (*body)(void*), void* argument);

  // Waits until body has returned. Call once after each successful start().
  void join();

 private:
  SharedWord is_running_;
  unsigned long library_thread_ = 0;  // of builds with sanitizers, which need threads they know
  alignas(64) std::byte stack_[128 * kKiB];
};

}  // namespace warmdump
