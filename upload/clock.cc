#include "upload/clock.h"

#include <thread>

namespace warmdump {

Clock& system_clock() {
  class SystemClock final : public Clock {
   public:
    std::chrono::system_clock::time_point now() override { return std::chrono::system_clock::now(); }
    void sleep_for(std::chrono::milliseconds duration) override { std::this_thread::sleep_for(duration); }
  };
  static SystemClock clock;
  return clock;
}

}  // namespace warmdump
