#include "recover/output/frame_batches.h"

#include <utility>

namespace warmdump {

FrameBatch FrameBatches::take_spare() {
  const std::lock_guard lock(mutex_);
  if (spares_.empty()) return {};
  FrameBatch batch = std::move(spares_.back());
  spares_.pop_back();
  return batch;
}

void FrameBatches::give_back(FrameBatch batch) {
  batch.bytes.clear();
  batch.descriptors.clear();
  const std::lock_guard lock(mutex_);
  if (spares_.size() < waiting_max_) spares_.push_back(std::move(batch));
}

void FrameBatches::enter(std::size_t number, FrameBatch batch) {
  std::unique_lock lock(mutex_);
  room_.wait(lock, [&] { return number < next_ + waiting_max_ || abandoned_; });
  if (!abandoned_) waiting_.emplace(number, std::move(batch));
}

bool FrameBatches::take_next(Placed& placed) {
  const std::lock_guard lock(mutex_);
  if (abandoned_ || waiting_.empty() || waiting_.begin()->first != next_) return false;
  placed = {next_++, end_, std::move(waiting_.begin()->second)};
  waiting_.erase(waiting_.begin());
  end_ += placed.batch.bytes.size();
  room_.notify_all();
  return true;
}

void FrameBatches::abandon() {
  const std::lock_guard lock(mutex_);
  abandoned_ = true;
  room_.notify_all();
}

}  // namespace warmdump
