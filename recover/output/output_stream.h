// OutputStream: standard output, for formats that are written from front to back.

#pragma once

#include "recover/output/output_target.h"

namespace warmdump {

class OutputStream final : public OutputTarget {
 public:
  // `fd` is borrowed. Whoever makes one has SIGPIPE ignored, or dies of it where a failure would be returned.
  explicit OutputStream(int fd) : fd_(fd) {}

  // Each call at the end of the one before, else invalid. Errors: io; the reader closed the stream.
  Outcome<void> write_at(ByteCount offset, std::span<const std::byte> bytes) override;
  Outcome<void> write_zeros(ByteCount offset, ByteCount size) override;
  // Nobody knows.
  Outcome<void> require_space(ByteCount size) const override;

 private:
  int fd_;
  ByteCount position_ = 0;
  int failed_errno_ = 0;  // of the first failure: every later call says the same
};

}  // namespace warmdump
