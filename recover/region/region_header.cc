#include "recover/region/region_header.h"

#include <fmt/format.h>

#include <cstring>
#include <span>

#include "common/dump_format/frame.h"
#include "recover/dump/aligned_buffer.h"
#include "recover/region/wipe.h"

namespace warmdump {

using dump_format::RegionHeader, dump_format::State;

State state_of(const RegionHeader& header) {
  return static_cast<State>(static_cast<std::uint32_t>(header.state));
}

FrameDumpId frame_dump_id(const RegionHeader& header) {
  FrameDumpId id;
  std::memcpy(id.data(), header.dump_id, id.size());
  return id;
}

bool is_known_state(State state) {
  return std::strcmp(dump_format::state_name(state), "unknown") != 0;
}

Outcome<bool> has_frame_at_start(const Device& region) {
  AlignedBuffer buffer(kDirectAlignment);
  TRY(in_context("cannot read the first frame", region.read_at(dump_format::kFramesOffset, buffer.bytes())));
  dump_format::FrameHeader header;
  std::memcpy(&header, buffer.bytes().data(), sizeof(header));
  const auto bytes = buffer.bytes().first<sizeof(header)>();
  return dump_format::decode_frame_header(bytes, std::span(header.dump_id)).has_value();
}

Outcome<void> advance_region(Device& region, RegionHeader& header, State next) {
  if (!dump_format::may_follow(state_of(header), next)) {
    return Failure(ErrorCode::invalid,
                   fmt::format("a region may not go from {} to {}", dump_format::state_name(state_of(header)),
                               dump_format::state_name(next)));
  }
  header.state = static_cast<std::uint32_t>(next);
  return in_context(fmt::format("cannot mark the region {}", dump_format::state_name(next)),
                    write_region_header(region, header));
}

}  // namespace warmdump
