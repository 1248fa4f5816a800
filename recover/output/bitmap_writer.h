// BitmapWriter: a bitmap in a file, one bit a pfn, lowest bit first, set run by run. Keeps one window of it
// in memory; stretches without a set bit are holes where the target can have them.

#pragma once

#include <vector>

#include "recover/dump/run_index.h"
#include "recover/output/output_target.h"

namespace warmdump {

class BitmapWriter {
 public:
  // The bit of pfn 0 is in the byte at `file_offset`; the bitmap has `size` bytes. `target` is borrowed.
  BitmapWriter(OutputTarget& target, ByteCount file_offset, ByteCount size);

  // Sets the bits of [first, end). Runs come in ascending order and do not overlap.
  Outcome<void> set(Pfn first, Pfn end);

  // Writes what is left. Call once, at the end.
  Outcome<void> finish();

 private:
  Outcome<void> write_window();
  Outcome<void> write_zeros_up_to(ByteCount end);

  OutputTarget& target_;
  ByteCount file_offset_;
  ByteCount size_;
  ByteCount written_ = 0;  // bytes of the bitmap that have been placed
  std::vector<std::byte> window_;
  ByteCount window_start_ = 0;  // byte of the bitmap the window starts at
  bool dirty_ = false;
};

}  // namespace warmdump
