// The hardware watchdog of the crash kernel: armed when there is one, fed while the capture gets on, left
// armed over the last reset. A capture or a reset that hangs is so cut by the hardware. Never fails the
// capture. No heap.

#pragma once

#include <cstdint>

#include "capture/support/deadline.h"
#include "capture/support/pulse.h"
#include "common/result.h"

namespace warmdump {

// The seam to the device; tests have one in memory.
class WatchdogDevice {
 public:
  // Asks for a timeout; returns the one the device really has, in seconds.
  virtual Result<unsigned> set_timeout(unsigned seconds) = 0;
  virtual void feed() = 0;
  // Switches it off, where the hardware lets itself be switched off.
  virtual void disarm() = 0;

 protected:
  ~WatchdogDevice() = default;
};

// /dev/watchdog0, or /dev/watchdog (Documentation/watchdog/watchdog-api.rst). Opening it arms it; it is never
// closed, for closing may switch it off.
class SystemWatchdog final : public WatchdogDevice {
 public:
  // False when there is none.
  bool open();

  Result<unsigned> set_timeout(unsigned seconds) override;
  void feed() override;
  void disarm() override;

 private:
  int fd_ = -1;
};

class WatchdogFeeder final : public Heartbeat {
 public:
  // `clock` must outlive this object.
  explicit WatchdogFeeder(const Clock& clock) : clock_(clock) {}

  // Sets the timeout, feeds, and goes on feeding with every beat(), at most four times a timeout. `device`
  // must outlive this object. Returns the timeout in seconds.
  unsigned start(WatchdogDevice& device, unsigned seconds);

  // Feeds when it is time. Does nothing before start().
  void beat() override;

  // Feeds at once: for the last reset, which then has a whole timeout.
  void feed();

  void disarm();

 private:
  const Clock& clock_;
  WatchdogDevice* device_ = nullptr;
  std::uint64_t interval_ms_ = 0;
  std::uint64_t fed_at_ms_ = 0;
};

}  // namespace warmdump
