// ByteSource: bytes to be sent, read as often and from wherever a transfer needs them. A file of a dump
// directory is one; what has no file, such as a dump that lies on its region still, is given as one by the
// caller.

#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <utility>

#include "common/hosted/failure.h"
#include "common/units.h"

namespace warmdump {

// Called with the bytes done so far of what is at hand.
using BytesDone = std::function<void(ByteCount)>;

class ByteSource {
 public:
  virtual ~ByteSource() = default;

  // Fills the front of `target` from `offset` on and says how much; 0 behind the end. Errors: io, and corrupt
  // when these are no longer the bytes that were there at first.
  // May be called by several threads at once.
  virtual Outcome<std::size_t> read(ByteCount offset, std::span<std::byte> target) const = 0;
};

// Bytes that are made here, such as a manifest.
class TextSource final : public ByteSource {
 public:
  explicit TextSource(std::string text) : text_(std::move(text)) {}
  Outcome<std::size_t> read(ByteCount offset, std::span<std::byte> target) const override;
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// SHA-256 of exactly the first `size` bytes, 64 lower-case hexadecimal digits. A shorter source is `corrupt`.
// `done` is called with the bytes hashed so far.
Outcome<std::string> sha256_of(const ByteSource& source, ByteCount size, const BytesDone& done);

}  // namespace warmdump
