#include "recover/sandbox/reader_voice.h"

#include <unistd.h>

#include "recover/sandbox/extractor_messages.h"
#include "recover/sandbox/message_channel.h"

namespace warmdump {
namespace {

constexpr auto kBetweenSignsOfLife = std::chrono::seconds(1);
constexpr auto kBetweenProgress = std::chrono::milliseconds(50);

}  // namespace

void ReaderVoice::say(const nlohmann::json& message) {
  const std::lock_guard lock(mutex_);
  last_ = Clock::now();
  if (!send_message(socket_, message)) ::_exit(1);
}

void ReaderVoice::show_life() {
  if (is_due(kBetweenSignsOfLife)) say(alive_message());
}

void ReaderVoice::tell_progress(ByteCount done, ByteCount total, unsigned stage) {
  // The end of a stage is told once, however often it is reached.
  const bool ends_stage = done == total && !is_stage_done_;
  is_stage_done_ = done == total;
  if (ends_stage || is_due(kBetweenProgress)) say(progress_message(done, total, stage));
}

bool ReaderVoice::is_due(Clock::duration interval) {
  const std::lock_guard lock(mutex_);
  return Clock::now() - last_ >= interval;
}

}  // namespace warmdump
