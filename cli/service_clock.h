// The clock of a service: its waits end with a request to stop, and the manager hears that it is alive
// meanwhile.

#pragma once

#include <algorithm>

#include "cli/service_notifier.h"
#include "upload/transfer/stop_request.h"

namespace warmdump {

class ServiceClock final : public Clock {
 public:
  // Both outlive it.
  ServiceClock(const StopRequest& stop, ServiceNotifier& notifier)
      : stop_(stop), notifier_(notifier), clock_(stop) {}

  std::chrono::system_clock::time_point now() override { return clock_.now(); }
  std::chrono::milliseconds since_boot() override { return clock_.since_boot(); }

  void sleep_for(std::chrono::milliseconds duration) override {
    const auto end = since_boot() + duration;
    const auto interval = notifier_.alive_interval();
    for (auto left = duration; left.count() > 0 && !stop_.is_requested(); left = end - since_boot()) {
      notifier_.alive();
      clock_.sleep_for(interval.count() > 0 ? std::min(left, interval) : left);
    }
  }

 private:
  const StopRequest& stop_;
  ServiceNotifier& notifier_;
  StoppableClock clock_;
};

}  // namespace warmdump
