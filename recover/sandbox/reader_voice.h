// ReaderVoice: the confined child's only way to speak to the process that started it; and a device whose
// reading shows that the child is alive.

#pragma once

#include <chrono>
#include <mutex>
#include <nlohmann/json.hpp>

#include "common/device.h"

namespace warmdump {

// Whoever reads and whoever tells progress are different threads. When nobody listens any more, the process
// ends: nobody wants its files either.
class ReaderVoice {
 public:
  explicit ReaderVoice(int socket) : socket_(socket) {}

  void say(const nlohmann::json& message);
  // At most once a second.
  void show_life();
  // At most twenty times a second, and when all is done. `stage`: see ProgressMessage.
  void tell_progress(ByteCount done, ByteCount total, unsigned stage = 0);

 private:
  using Clock = std::chrono::steady_clock;

  bool is_due(Clock::duration interval);

  int socket_;
  std::mutex mutex_;
  Clock::time_point last_ = Clock::now();
  bool is_stage_done_ = false;
};

class LivelyReads final : public Device {
 public:
  // Both are borrowed.
  LivelyReads(const Device& device, ReaderVoice& voice) : device_(device), voice_(voice) {}

  ByteCount size() const override { return device_.size(); }
  Result<void> read_at(ByteCount offset, std::span<std::byte> target) const override {
    voice_.show_life();
    return device_.read_at(offset, target);
  }
  Result<void> write_at(ByteCount, std::span<const std::byte>) override { return refuse(); }
  Result<void> persist() override { return refuse(); }

 private:
  static Error refuse() { return Error::make(ErrorCode::refused, "opened for reading only"); }

  const Device& device_;
  ReaderVoice& voice_;
};

}  // namespace warmdump
