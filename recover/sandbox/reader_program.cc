#include "recover/sandbox/reader_program.h"

#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <mutex>

#include "recover/sandbox/extractor_messages.h"
#include "recover/sandbox/message_channel.h"

namespace warmdump {
namespace {

constexpr auto kBetweenSignsOfLife = std::chrono::seconds(1);
constexpr auto kBetweenProgress = std::chrono::milliseconds(50);

// The only way to the socket: whoever reads and whoever tells progress are different threads.
class Voice {
 public:
  explicit Voice(int socket) : socket_(socket) {}

  void say(const nlohmann::json& message) {
    const std::lock_guard lock(mutex_);
    last_ = Clock::now();
    // Nobody listens: nobody wants the files either.
    if (!send_message(socket_, message)) ::_exit(1);
  }
  void show_life() {
    if (is_due(kBetweenSignsOfLife)) say(alive_message());
  }
  void tell_progress(ByteCount done, ByteCount total) {
    if (done == total || is_due(kBetweenProgress)) say(progress_message(done, total));
  }

 private:
  using Clock = std::chrono::steady_clock;

  bool is_due(Clock::duration interval) {
    const std::lock_guard lock(mutex_);
    return Clock::now() - last_ >= interval;
  }

  int socket_;
  std::mutex mutex_;
  Clock::time_point last_ = Clock::now();
};

class LivelyReads final : public Device {
 public:
  LivelyReads(const Device& device, Voice& voice) : device_(device), voice_(voice) {}

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
  Voice& voice_;
};

template <class Value>
nlohmann::json answer_with(const Outcome<Value>& outcome) {
  return outcome.has_value() ? as_message(*outcome) : as_message(outcome.error());
}

}  // namespace

void serve_reader_requests(int socket, DumpExtractor& extractor, const Device& region,
                           const std::filesystem::path& directory) {
  Voice voice(socket);
  const LivelyReads reads(region, voice);
  for (;;) {
    char request = 0;
    const ssize_t count = ::read(socket, &request, 1);
    if (count < 0 && errno == EINTR) continue;
    if (count != 1) return;
    if (request == static_cast<char>(ReaderRequest::identify))
      voice.say(answer_with(extractor.identify(reads)));
    if (request == static_cast<char>(ReaderRequest::extract)) {
      voice.say(answer_with(extractor.extract(
          reads, directory, [&](ByteCount done, ByteCount total) { voice.tell_progress(done, total); })));
    }
  }
}

}  // namespace warmdump
