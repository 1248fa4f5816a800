// FrameEncoder: compresses a frame's payload, codec `lines`, in a static workspace. No heap.

#pragma once

#include <cstddef>
#include <span>

#include "capture/writer/line_encoder.h"
#include "common/dump_format/dump_format.h"

namespace warmdump {

class FrameEncoder {
 public:
  // Large: keep it in static storage.
  FrameEncoder();

  struct Encoded {
    dump_format::Codec codec;
    std::size_t size;
  };
  // Room encode() wants for a payload of `raw_size` bytes.
  static std::size_t bound(std::size_t raw_size);

  // Writes the payload as it will be stored to `target` (at least bound(raw.size()) bytes): compressed, or as
  // it is where compression does not make it smaller.
  Encoded encode(std::span<const std::byte> raw, std::span<std::byte> target);

 private:
  // Measured with the parameters of frame_encoder.cc; the constructor checks it.
  static constexpr std::size_t kWorkspaceSize = 640 * kKiB;

  // Size of the payload as codec `lines`, 0 when that fails or is not smaller.
  std::size_t encode_lines(std::span<const std::byte> raw, std::span<std::byte> target);

  void* context_ = nullptr;
  LineEncoder line_encoder_;
  alignas(64) std::byte workspace_[kWorkspaceSize];
};

}  // namespace warmdump
