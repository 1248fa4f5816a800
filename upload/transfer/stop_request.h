// StopRequest: somebody wants this process to end: what is on its way is put down in a state from which the
// next run goes on.

#pragma once

#include <atomic>

#include "common/hosted/failure.h"
#include "common/hosted/unique_fd.h"
#include "upload/transfer/clock.h"

namespace warmdump {

class StopRequest {
 public:
  // Errors: no descriptors left.
  static Outcome<StopRequest> make();
  StopRequest(StopRequest&& other) noexcept;

  // May be called by a signal handler and by any thread, more than once.
  void request() noexcept;
  bool is_requested() const { return is_requested_.load(std::memory_order_relaxed); }
  // Becomes readable with the request, and stays so.
  int descriptor() const { return event_.get(); }

 private:
  explicit StopRequest(UniqueFd event) : event_(std::move(event)) {}

  UniqueFd event_;
  std::atomic<bool> is_requested_ = false;
};

// The clock of the system whose waits end early when a stop is requested. `stop` outlives it.
class StoppableClock final : public Clock {
 public:
  explicit StoppableClock(const StopRequest& stop) : stop_(stop) {}
  std::chrono::system_clock::time_point now() override;
  std::chrono::milliseconds since_boot() override;
  void sleep_for(std::chrono::milliseconds duration) override;

 private:
  const StopRequest& stop_;
};

}  // namespace warmdump
