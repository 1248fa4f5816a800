// FrameCompressor: compresses frames, on several processors where that is worth it; they come out in the
// order they went in. No heap.
//
// One thread takes frames from the region's side and gives them: it also compresses, whenever it would have
// to wait. Helpers do nothing else. Each frame is compressed by itself, so the dump is the same however many
// help.

#pragma once

#include <cstddef>

#include "capture/support/helper_thread.h"
#include "capture/support/shared_word.h"
#include "capture/support/static_storage.h"
#include "capture/writer/frame_encoder.h"
#include "capture/writer/frame_slot.h"

namespace warmdump {

class FrameCompressor {
 public:
  static constexpr unsigned kThreadsMax = 4;

  // Large: keep it in static storage. Takes memory only for the threads it has.
  FrameCompressor() = default;

  // Threads that are worth it here: one a processor, as far as there is free memory for their frames.
  static unsigned useful_threads();

  // From now on `threads` compress, this one included; fewer when the system refuses. Call before the first
  // take_free().
  void start(unsigned threads);
  // Ends the helpers; nothing may be in flight. This thread goes on alone.
  void stop();
  // How many start() got.
  unsigned threads() const { return threads_; }

  // A slot to put a frame into; nullptr when all are in use. It is the caller's until submit() or release().
  FrameSlot* take_free();

  // Compresses origin and payload of a slot that came from take_free().
  void submit(FrameSlot& slot);

  // The oldest frame that was submitted, when it is compressed; nullptr when it is not, or there is none. It
  // is the caller's until release().
  FrameSlot* take_oldest_done();

  // Like that, but waits for it, and helps meanwhile. nullptr only when there is none.
  FrameSlot* wait_for_oldest();

  void release(FrameSlot& slot);

 private:
  // Alone: one gathers pages while another holds a blob or class map. Each helper has one at work and one
  // waiting.
  static constexpr std::size_t kSlotsMax = 2 + 2 * (kThreadsMax - 1);

  enum State : std::uint32_t { kFree, kFilling, kQueued, kBusy, kDone, kTaken };

  struct Helper {
    FrameCompressor* owner;
    StaticStorage<FrameEncoder> encoder_storage;
    FrameEncoder* encoder;
    HelperThread thread;
  };

  static void help(void* helper);
  // The frame that waits longest, now `kBusy`; nullptr when none waits.
  FrameSlot* claim();
  void encode(FrameSlot& slot, FrameEncoder& encoder);

  std::size_t slot_count_ = 2;
  std::size_t in_flight_count_ = 0;
  FrameSlot* in_flight_[kSlotsMax] = {};  // oldest first
  std::uint32_t next_ticket_ = 0;
  unsigned helper_count_ = 0;
  unsigned threads_ = 1;
  SharedWord submitted_;  // changes when there is something to do
  SharedWord done_;       // changes when something is done
  SharedWord is_ending_;
  FrameEncoder encoder_;
  Helper helpers_[kThreadsMax - 1];
  FrameSlot slots_[kSlotsMax];
};

}  // namespace warmdump
