// FrameBatches: puts what threads make of frames one behind the other into a file, in the order of the
// frames, so that the file has the same bytes however many threads made it.

#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <vector>

#include "recover/output/kdump_format.h"
#include "recover/output/output_target.h"

namespace warmdump {

// The pages of a frame as they go into the file.
struct FrameBatch {
  std::vector<std::byte> bytes;
  std::vector<kdump_format::KdumpPageDescriptor> descriptors;  // offsets count from the start of `bytes`
};

class FrameBatches {
 public:
  // The first batch goes to `start`. At most `waiting_max` batches wait in memory for one before them.
  FrameBatches(ByteCount start, std::size_t waiting_max) : end_(start), waiting_max_(waiting_max) {}

  // An empty batch; memory of one that was written, where there is one.
  FrameBatch take_spare();

  // Batches whose turn has come leave through `write`, which may run in several threads at once; `offset` is
  // the place of the batch. Waits while too many are waiting. Numbers are 0, 1, 2 ..., each once.
  template <class Write>
  Outcome<void> put(std::size_t number, FrameBatch batch, const Write& write);

  // No batch will come for some number: whoever waits goes on, and nothing more is written.
  void abandon();

  // Behind the last batch.
  ByteCount end() const { return end_; }

 private:
  struct Placed {
    std::size_t number;
    ByteCount offset;
    FrameBatch batch;
  };
  void enter(std::size_t number, FrameBatch batch);
  // The next one in the order, if it is there.
  bool take_next(Placed& placed);
  void give_back(FrameBatch batch);

  std::mutex mutex_;  // guards all
  std::condition_variable room_;
  ByteCount end_;
  const std::size_t waiting_max_;
  std::size_t next_ = 0;
  bool abandoned_ = false;
  std::map<std::size_t, FrameBatch> waiting_;
  std::vector<FrameBatch> spares_;
};

template <class Write>
Outcome<void> FrameBatches::put(std::size_t number, FrameBatch batch, const Write& write) {
  enter(number, std::move(batch));
  Placed placed;
  while (take_next(placed)) {
    TRY(write(placed.number, placed.offset, placed.batch));
    give_back(std::move(placed.batch));
  }
  return {};
}

}  // namespace warmdump
