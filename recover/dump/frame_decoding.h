// FrameDecoding: decodes frames on several threads while more of them are read, and hands out what is in
// them in the order in which they came, as if one thread had done it all.

#pragma once

#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "recover/dump/frame_content.h"
#include "recover/dump/frame_scan.h"

namespace warmdump {

class FrameDecoding {
 public:
  using Decode = std::function<Result<FrameContent>(const dump_format::FrameHeader& header,
                                                    std::span<const std::byte> stored)>;
  using Take = std::function<void(const FrameLocation& frame, Result<FrameContent> content)>;

  // One thread at least, kThreadsMax at most. `make_decode` is called once for each thread, in that of the
  // caller, which is one of them; a function it makes is used by one thread alone. `take` runs in the thread
  // that calls add() and finish(). At most 2 * kThreadsMax frames are under way, and one thread reads them
  // for all: more would wait for it.
  FrameDecoding(unsigned thread_count, std::function<Decode()> make_decode, Take take);
  // Waits for the frames that are being decoded; what was not handed out is dropped.
  ~FrameDecoding();
  FrameDecoding(const FrameDecoding&) = delete;
  FrameDecoding& operator=(const FrameDecoding&) = delete;

  // Copies `stored`. Hands out frames that came before. Throws what decoding one of them threw.
  void add(const FrameLocation& frame, std::span<const std::byte> stored);

  // Hands out all that are left.
  void finish();

 private:
  static constexpr unsigned kThreadsMax = 8;

  struct Slot {
    FrameLocation frame;
    std::vector<std::byte> stored;
    std::optional<Result<FrameContent>> content;  // set once the frame is decoded, or ...
    std::exception_ptr exception;
    bool is_done() const { return content.has_value() || exception != nullptr; }
  };

  Slot& slot(std::size_t number) { return slots_[number % slots_.size()]; }
  void start_helpers();
  void help(const Decode& decode, const std::stop_token& stop);
  void decode_next(std::unique_lock<std::mutex>& lock, const Decode& decode);
  bool is_oldest_done();
  void take_oldest();

  const unsigned thread_count_;
  std::function<Decode()> make_decode_;  // empty once the helpers are there
  Take take_;
  Decode own_decode_;
  std::mutex mutex_;  // guards the numbers, and content and exception of the slots from taken_ to started_
  std::condition_variable_any added_more_;
  std::condition_variable done_one_;
  std::size_t taken_ = 0;    // frames handed out: those before this one
  std::size_t started_ = 0;  // being decoded, or done
  std::size_t added_ = 0;
  std::vector<Slot> slots_;
  std::vector<std::jthread> helpers_;  // last: they use all the others
};

}  // namespace warmdump
