// SharedWord: a number through which threads talk: read, changed, waited for. No heap, no C library: a thread
// of helper_thread.h has no errno of its own. (std::atomic needs headers that musl's do not satisfy.)

#pragma once

#include <cstdint>

namespace warmdump {

class SharedWord {
 public:
  // What was written before another thread's store() is seen after the load() that returns its value.
  std::uint32_t load() const { return __atomic_load_n(&value_, __ATOMIC_ACQUIRE); }
  void store(std::uint32_t value) { __atomic_store_n(&value_, value, __ATOMIC_RELEASE); }
  void increment() { __atomic_add_fetch(&value_, 1, __ATOMIC_ACQ_REL); }

  // Writes `to` where `from` stands; false when something else stands there.
  bool change(std::uint32_t from, std::uint32_t to) {
    return __atomic_compare_exchange_n(&value_, &from, to, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
  }

  // Sleeps until wake(), if the value is still `value`; may also return for no reason.
  void wait_while(std::uint32_t value);
  void wake();

  // For clone(2), which clears it when a thread has ended.
  std::uint32_t* address() { return &value_; }

 private:
  std::uint32_t value_ = 0;
};

}  // namespace warmdump
