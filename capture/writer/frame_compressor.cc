#include "capture/writer/frame_compressor.h"

#include <sched.h>

#include <algorithm>

#include "capture/support/free_memory.h"

namespace warmdump {
namespace {

// Left to the kernel and to what this program still takes for itself.
constexpr ByteCount kMemoryReserve = 10 * kMiB;

unsigned online_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof(set), &set) != 0) return 1;
  return static_cast<unsigned>(CPU_COUNT(&set));
}

}  // namespace

unsigned FrameCompressor::useful_threads() {
  const auto memory = free_memory();
  if (!memory) return 1;
  const ByteCount free = memory->free;
  constexpr ByteCount kCost = sizeof(Helper) + 2 * sizeof(FrameSlot);
  const ByteCount affordable = free > kMemoryReserve ? (free - kMemoryReserve) / kCost : 0;
  return static_cast<unsigned>(
      std::min<ByteCount>({kThreadsMax, std::max(1U, online_processors()), 1 + affordable}));
}

void FrameCompressor::start(unsigned threads) {
  while (helper_count_ + 1 < std::min(threads, kThreadsMax)) {
    Helper& helper = helpers_[helper_count_];
    helper.owner = this;
    helper.encoder = &helper.encoder_storage.make();
    if (!helper.thread.start(help, &helper)) break;
    ++helper_count_;
  }
  threads_ = helper_count_ + 1;
  slot_count_ = 2 + 2 * std::size_t{helper_count_};
}

void FrameCompressor::stop() {
  is_ending_.store(1);
  submitted_.increment();
  submitted_.wake();
  while (helper_count_ > 0) helpers_[--helper_count_].thread.join();
  is_ending_.store(0);
}

void FrameCompressor::help(void* argument) {
  Helper& helper = *static_cast<Helper*>(argument);
  FrameCompressor& owner = *helper.owner;
  for (;;) {
    const std::uint32_t seen = owner.submitted_.load();
    if (FrameSlot* slot = owner.claim(); slot != nullptr) {
      owner.encode(*slot, *helper.encoder);
      owner.done_.increment();
      owner.done_.wake();
    } else if (owner.is_ending_.load() != 0) {
      return;
    } else {
      owner.submitted_.wait_while(seen);
    }
  }
}

FrameSlot* FrameCompressor::claim() {
  for (;;) {
    FrameSlot* oldest = nullptr;
    for (FrameSlot& slot : slots_) {
      const bool is_older =
          slot.state.load() == kQueued &&
          (oldest == nullptr || static_cast<std::int32_t>(slot.ticket.load() - oldest->ticket.load()) < 0);
      if (is_older) oldest = &slot;
    }
    if (oldest == nullptr || oldest->state.change(kQueued, kBusy)) return oldest;
  }
}

void FrameCompressor::encode(FrameSlot& slot, FrameEncoder& encoder) {
  const auto target = slot.stored_payload().first(FrameEncoder::bound(slot.payload.size()));
  const auto encoded = encoder.encode(slot.payload, target);
  slot.codec = encoded.codec;
  slot.stored_size = encoded.size;
  slot.state.store(kDone);
}

FrameSlot* FrameCompressor::take_free() {
  for (std::size_t i = 0; i < slot_count_; ++i) {
    if (slots_[i].state.change(kFree, kFilling)) return &slots_[i];
  }
  return nullptr;
}

void FrameCompressor::submit(FrameSlot& slot) {
  in_flight_[in_flight_count_++] = &slot;
  if (helper_count_ == 0) {
    encode(slot, encoder_);
    return;
  }
  slot.ticket.store(next_ticket_++);
  slot.state.store(kQueued);
  submitted_.increment();
  submitted_.wake();
}

FrameSlot* FrameCompressor::take_oldest_done() {
  if (in_flight_count_ == 0 || in_flight_[0]->state.load() != kDone) return nullptr;
  FrameSlot* oldest = in_flight_[0];
  std::copy(in_flight_ + 1, in_flight_ + in_flight_count_, in_flight_);
  --in_flight_count_;
  oldest->state.store(kTaken);
  return oldest;
}

FrameSlot* FrameCompressor::wait_for_oldest() {
  while (in_flight_count_ > 0) {
    const std::uint32_t seen = done_.load();
    if (FrameSlot* done = take_oldest_done(); done != nullptr) return done;
    if (FrameSlot* waiting = claim(); waiting != nullptr) {
      encode(*waiting, encoder_);
    } else {
      done_.wait_while(seen);
    }
  }
  return nullptr;
}

void FrameCompressor::release(FrameSlot& slot) {
  slot.pages = PageTally{};
  slot.state.store(kFree);
}

}  // namespace warmdump
