#include "capture/writer/region_check.h"

#include <sys/random.h>
#include <time.h>

#include <algorithm>
#include <cstring>

#include "common/dump_format/dump_header.h"
#include "common/dump_format/dump_state.h"

namespace warmdump {
namespace {

using namespace dump_format;

#ifndef GRND_INSECURE
#define GRND_INSECURE 0x0004  // Linux 5.6; older C libraries do not name it
#endif

alignas(4096) std::byte scratch[kHeaderSize];

// Uniqueness is what counts here, not secrecy: a crash kernel has no entropy to wait for.
void make_dump_id(std::span<unsigned char, 16> id) {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  std::memcpy(id.data(), &now, std::min(sizeof(now), id.size()));
  unsigned char random[16] = {};
  if (::getrandom(random, sizeof(random), GRND_INSECURE) != static_cast<ssize_t>(sizeof(random))) {
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    std::memcpy(random, &now.tv_nsec, sizeof(now.tv_nsec));
  }
  for (std::size_t i = 0; i < id.size(); ++i) id[i] = static_cast<unsigned char>(id[i] ^ random[i]);
}

bool is_blank(std::span<const std::byte> bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::byte byte) { return byte == std::byte{0}; });
}

Result<bool> is_blank_region(const Device& region) {
  for (const ByteCount offset :
       {ByteCount{0}, kInfoBlockOffset, kHeaderOffset, kHeaderCopyOffset, kFramesOffset}) {
    TRY(region.read_at(offset, scratch));
    if (!is_blank(scratch)) return false;
  }
  return true;
}

Result<RegionHeader> read_own_header(const Device& region, const RegionExpectation& expectation) {
  auto header = read_header(region, scratch);
  if (header.has_value() || header.error().code != ErrorCode::not_found) return header;
  if (expectation.must_be_formatted) {
    return Error::make(ErrorCode::refused,
                       "region has no warmdump header; run `warmdump recover` on it once");
  }
  if (!expectation.overwrite && !TRY(is_blank_region(region))) {
    return Error::make(ErrorCode::refused,
                       "region is neither blank nor a warmdump region; its content was left alone");
  }
  return make_header(expectation.start, region.size());
}

}  // namespace

Result<RegionHeader> check_region(Device& region, const RegionExpectation& expectation) {
  RegionHeader header = TRY(read_own_header(region, expectation));
  if (header.region_size != region.size() || header.region_start != expectation.start) {
    return Error::make(ErrorCode::refused,
                       "region header was written for another region; was memmap= changed?");
  }
  const auto state = static_cast<State>(std::uint32_t{header.state});
  const bool is_ready = is_ready_for_capture(state) || is_record_without_frames(header);
  if (!is_ready && !expectation.overwrite) {
    header.captures_refused = header.captures_refused + 1;
    TRY(write_header(region, header, scratch));
    return Error::make(ErrorCode::busy,
                       "region holds a dump that was not recovered yet; the first dump is kept");
  }

  RegionHeader fresh = make_header(header.region_start, header.region_size);
  fresh.sequence = header.sequence;
  make_dump_id(fresh.dump_id);
  return fresh;
}

}  // namespace warmdump
