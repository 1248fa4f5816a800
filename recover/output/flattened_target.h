// FlattenedTarget: a file with places as a stream, in the flattened format of makedumpfile -F.
//
// A header of 4096 bytes, then records of {offset, size, bytes}, numbers big endian; a record with both
// numbers -1 ends it, so that a stream that was cut off is known. `makedumpfile -R` makes the file of it;
// crash and libkdumpfile from 0.5.3 on read it as it is.

#pragma once

#include <mutex>
#include <vector>

#include "recover/output/output_target.h"

namespace warmdump {

class FlattenedTarget final : public OutputTarget {
 public:
  // `stream` is borrowed and written from front to back.
  explicit FlattenedTarget(OutputTarget& stream);

  Outcome<void> write_at(ByteCount offset, std::span<const std::byte> bytes) override;
  // Readers that take the stream as it is know no holes: the zeros are written.
  Outcome<void> write_zeros(ByteCount offset, ByteCount size) override;
  Outcome<void> require_space(ByteCount size) const override { return stream_.require_space(size); }

  // The end marker, and what is still in memory. Call once, at the end. Returns the size of the stream.
  Outcome<ByteCount> finish();

 private:
  void append_number(std::uint64_t number);
  Outcome<void> append(std::span<const std::byte> bytes);
  Outcome<void> flush();

  OutputTarget& stream_;
  std::mutex mutex_;  // guards what follows
  ByteCount position_ = 0;
  std::vector<std::byte> buffer_;
};

}  // namespace warmdump
