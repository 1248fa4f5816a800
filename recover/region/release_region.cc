#include "recover/region/release_region.h"

#include <fmt/format.h>

#include "common/dump_format/dump_state.h"
#include "common/file_device.h"
#include "recover/region/region_holder.h"
#include "recover/region/wipe.h"

namespace warmdump {
namespace {

using dump_format::State;

Failure recover_first(const PmemRegion& region, ErrorCode code, const std::string& why) {
  return Failure(
      code, fmt::format("{} {}: run `warmdump recover --region {}`, which saves a dump, wipes the region "
                        "and gives it back",
                        region.name, why, region.name));
}

Outcome<void> require_no_dump(const PmemRegion& region, const Device& device) {
  const auto header = read_region_header(device);
  if (!header) {
    switch (header.error().code) {
      case ErrorCode::not_found:
        return recover_first(region, ErrorCode::refused, "has no header yet, and may hold a dump");
      case ErrorCode::corrupt:
        return recover_first(region, ErrorCode::refused, "has a damaged header, and may hold a dump");
      case ErrorCode::unsupported:
        return Failure(header.error())
            .in(region.name + ": use the version of warmdump that wrote it; nothing was changed");
      default:
        return Failure(header.error()).in("cannot read the header of " + region.name);
    }
  }
  const auto state = static_cast<State>(static_cast<std::uint32_t>(header->state));
  if (state == State::empty || state == State::cleared) return {};
  return recover_first(
      region, ErrorCode::refused,
      state == State::recovered ? "holds a dump that was saved, but is not wiped" : "holds a dump");
}

}  // namespace

Outcome<RegionReturn> release_region(PmemRegions& regions, const PmemRegion& region, RecoverEvents& events) {
  PmemRegion now = region;
  if (region.shape != RegionShape::system_ram) {
    const auto path = TRY(in_context("cannot open " + region.name, regions.open_raw(region)));
    now.shape = RegionShape::raw;
    FileDevice device;
    auto opened = device.open(path.c_str(), FileDevice::Access::read_write_direct);
    if (!opened) return in_use(Failure(opened.error()).in("cannot use " + path.string()), path);
    TRY(require_no_dump(now, device));
  }
  return return_region(regions, now, events);
}

}  // namespace warmdump
