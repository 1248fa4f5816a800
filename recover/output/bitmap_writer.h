// BitmapWriter: a bitmap in a file, one bit a pfn, lowest bit first, set run by run. Keeps one window of it
// in memory; stretches without a set bit are never written and stay holes.

#pragma once

#include <vector>

#include "recover/dump/run_index.h"
#include "recover/output/output_file.h"

namespace warmdump {

class BitmapWriter {
 public:
  // The bit of pfn 0 is in the byte at `file_offset`. `file` is borrowed.
  BitmapWriter(const OutputFile& file, ByteCount file_offset);

  // Sets the bits of [first, end). Runs come in ascending order and do not overlap.
  Outcome<void> set(Pfn first, Pfn end);

  // Writes what is still in memory. Call once, at the end.
  Outcome<void> finish();

 private:
  const OutputFile& file_;
  ByteCount file_offset_;
  std::vector<std::byte> window_;
  ByteCount window_start_ = 0;  // byte of the bitmap the window starts at
  bool dirty_ = false;
};

}  // namespace warmdump
