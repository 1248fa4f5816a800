#include "recover/dump/frame_decoding.h"

#include <algorithm>
#include <system_error>
#include <utility>

namespace warmdump {

FrameDecoding::FrameDecoding(unsigned thread_count, std::function<Decode()> make_decode, Take take)
    : thread_count_(std::clamp(thread_count, 1U, kThreadsMax)),
      make_decode_(std::move(make_decode)),
      take_(std::move(take)),
      own_decode_(make_decode_()),
      slots_(std::size_t{2} * thread_count_) {}

// Not before there is more to do than one thread gets done on the way: a small dump needs no threads.
void FrameDecoding::start_helpers() {
  const auto make_decode = std::exchange(make_decode_, nullptr);
  if (!make_decode) return;
  try {
    for (unsigned index = 1; index < thread_count_; ++index) {
      helpers_.emplace_back(
          [this, decode = make_decode()](const std::stop_token& stop) { help(decode, stop); });
    }
  } catch (const std::system_error&) {
    // Fewer threads than wished for do the same work.
  }
}

FrameDecoding::~FrameDecoding() = default;

void FrameDecoding::add(const FrameLocation& frame, std::span<const std::byte> stored) {
  if (added_ - taken_ == slots_.size()) {
    start_helpers();
    take_oldest();
  }
  Slot& next = slot(added_);
  next.frame = frame;
  next.stored.assign(stored.begin(), stored.end());
  {
    const std::lock_guard lock(mutex_);
    ++added_;
  }
  added_more_.notify_one();
  while (is_oldest_done()) take_oldest();
}

void FrameDecoding::finish() {
  while (taken_ < added_) take_oldest();
}

void FrameDecoding::help(const Decode& decode, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (added_more_.wait(lock, stop, [this] { return started_ < added_; })) decode_next(lock, decode);
}

void FrameDecoding::decode_next(std::unique_lock<std::mutex>& lock, const Decode& decode) {
  Slot& next = slot(started_++);
  lock.unlock();
  std::optional<Result<FrameContent>> content;
  std::exception_ptr exception;
  try {
    content.emplace(decode(next.frame.header, next.stored));
  } catch (...) {
    exception = std::current_exception();
  }
  lock.lock();
  if (content) next.content.emplace(std::move(*content));
  next.exception = std::move(exception);
  done_one_.notify_one();
}

bool FrameDecoding::is_oldest_done() {
  const std::lock_guard lock(mutex_);
  return taken_ < added_ && slot(taken_).is_done();
}

void FrameDecoding::take_oldest() {
  Slot& oldest = slot(taken_);
  {
    std::unique_lock lock(mutex_);
    while (!oldest.is_done()) {
      if (started_ < added_)
        decode_next(lock, own_decode_);
      else
        done_one_.wait(lock);
    }
    ++taken_;
  }
  if (const auto exception = std::exchange(oldest.exception, nullptr)) std::rethrow_exception(exception);
  auto content = std::move(*oldest.content);
  oldest.content.reset();
  take_(oldest.frame, std::move(content));
}

}  // namespace warmdump
