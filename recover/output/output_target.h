// OutputTarget: where a converter puts the bytes of its file. They have places in the file, so that pages can
// be written as they come: OutputFile seeks, FlattenedTarget makes a stream of it, OutputStream takes bytes
// in order only.

#pragma once

#include <cstddef>
#include <span>

#include "common/hosted/failure.h"
#include "common/units.h"

namespace warmdump {

class OutputTarget {
 public:
  OutputTarget() = default;
  OutputTarget(const OutputTarget&) = delete;
  OutputTarget& operator=(const OutputTarget&) = delete;
  virtual ~OutputTarget() = default;

  // Places bytes. No place is written twice. Safe from several threads. Errors: no_space, io.
  virtual Outcome<void> write_at(ByteCount offset, std::span<const std::byte> bytes) = 0;

  // The same with zeros; a file gets a hole.
  virtual Outcome<void> write_zeros(ByteCount offset, ByteCount size) = 0;

  // no_space when there is less room than `size` bytes, as far as the target can know.
  virtual Outcome<void> require_space(ByteCount size) const = 0;
};

}  // namespace warmdump
