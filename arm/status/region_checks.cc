#include "arm/status/region_checks.h"

#include <fmt/format.h>

#include "arm/plan/region_plan.h"
#include "common/dump_format/dump_header.h"
#include "common/dump_format/dump_state.h"
#include "common/hosted/byte_count_text.h"
#include "common/hosted/region_dax_uuid.h"

namespace warmdump {
namespace {

constexpr const char* kRecover = "run `warmdump recover`";
constexpr const char* kPlanAgain = "choose a region with `warmdump plan`, and reboot with its options";

Finding no_region() {
  return found_unknown("there is no region to look at", "");
}

// The device that serves the region, or why there is none to be judged.
const RegionDevice* device_of(const StatusFacts& facts) {
  const auto& device = facts.region.device;
  return device && *device ? &**device : nullptr;
}

Finding no_device(const StatusFacts& facts) {
  if (!facts.region.region) return no_region();
  if (!facts.region.device) return not_seen(facts.region.device);
  return found_unknown("no driver serves the region, so it cannot be looked into", kRecover);
}

Finding judge_header(const StatusFacts& facts) {
  if (!facts.region.header) {
    const ErrorCode code = facts.region.header.code;
    const bool is_known = code == ErrorCode::corrupt || code == ErrorCode::unsupported;
    if (code == ErrorCode::no_permission || code == ErrorCode::io) return not_seen(facts.region.header);
    return found_failed(is_known ? facts.region.header.why_not
                                 : "nobody has prepared the region, and the capture writes to no other",
                        kRecover);
  }
  const dump_format::RegionHeader& header = *facts.region.header;
  const auto state = static_cast<dump_format::State>(std::uint32_t{header.state});
  const AddressRange range{header.region_start, header.region_size};
  if (range != *facts.region.region) {
    return found_failed("the region was prepared for " + address_range_text(range), kRecover);
  }
  if (dump_format::is_ready_for_capture(state) || dump_format::is_record_without_frames(header)) {
    return found_ok(fmt::format("a raw disk, {}", dump_format::state_name(state)));
  }
  return found_failed(fmt::format("a dump waits in it ({}), and the first one wins: another crash would be "
                                  "counted, not captured",
                                  dump_format::state_name(state)),
                      kRecover);
}

}  // namespace

Finding judge_ready(const StatusFacts& facts) {
  const RegionDevice* device = device_of(facts);
  if (device == nullptr) return no_device(facts);
  switch (device->use) {
    case RegionUse::raw_disk:
      return judge_header(facts);
    case RegionUse::system_ram:
    case RegionUse::dax_device:
      if (device->claim_uuid == kRegionDaxUuidText) {
        return found_ok("`warmdump recover` emptied and prepared it before it became memory");
      }
      return found_failed("another program made it memory; nobody has prepared it for the capture",
                          "take that program's turn away (daxctl.conf, a unit of its own), and reboot");
    case RegionUse::claimed:
      return found_unknown(device->claim + " sits on it", "destroy that with `ndctl destroy-namespace`");
    case RegionUse::idle:
      break;
  }
  return found_unknown("no driver serves the region, so it cannot be looked into", kRecover);
}

Finding judge_use(const StatusFacts& facts) {
  const RegionDevice* device = device_of(facts);
  if (device == nullptr) return no_device(facts);
  switch (device->use) {
    case RegionUse::system_ram:
      return found_ok("memory of the system");
    case RegionUse::raw_disk:
      return found_ok(fmt::format("a raw disk, /dev/{}: the system does without this memory", device->disk));
    case RegionUse::dax_device:
      return found_warning(fmt::format("{} is a DAX device that serves nobody", device->claim), kRecover);
    case RegionUse::claimed:
    case RegionUse::idle:
      break;
  }
  return found_warning("neither a raw disk nor memory of the system", kRecover);
}

Finding judge_height(const StatusFacts& facts) {
  if (!facts.region.region) return no_region();
  const AddressRange& region = *facts.region.region;
  if (region.start >= 4 * kGiB) return found_ok("begins at " + fmt::format("{:#x}", region.start));
  return found_warning(
      fmt::format("{} lies below 4 GiB, where firmware, boot loaders and 32-bit devices want memory",
                  address_range_text(region)),
      kPlanAgain);
}

Finding judge_alignment(const StatusFacts& facts) {
  if (!facts.region.region) return no_region();
  const ByteCount block = facts.region.block_size;
  if (block == 0) return found_unknown("the kernel does not tell the size of its memory blocks", "");
  const AddressRange& region = *facts.region.region;
  const ByteCount lost = region.size - returnable_size(region, block);
  if (lost <= kRegionLead) {
    return found_ok(fmt::format("{} of it never come back as memory", readable_byte_count(lost)));
  }
  return found_warning(fmt::format("with memory blocks of {}, {} of it never come back as memory",
                                   readable_byte_count(block), readable_byte_count(lost)),
                       kPlanAgain);
}

Finding judge_returnable(const StatusFacts& facts) {
  if (!facts.region.region) return no_region();
  const ByteCount block = facts.region.block_size;
  if (block == 0) return found_unknown("the kernel does not tell the size of its memory blocks", "");
  const ByteCount size = returnable_size(*facts.region.region, block);
  if (size != 0) return found_ok(fmt::format("{} blocks of {}", size / block, readable_byte_count(block)));
  return found_warning(fmt::format("not one whole memory block of {} lies in it: it cannot become memory of "
                                   "the system, and is missing for ever",
                                   readable_byte_count(block)),
                       kPlanAgain);
}

Finding judge_node(const StatusFacts& facts) {
  const RegionDevice* device = device_of(facts);
  if (device == nullptr) return no_device(facts);
  if (device->use == RegionUse::system_ram || device->has_node) return found_ok("the kernel knows its node");
  return found_warning(
      "the kernel knows no NUMA node for it, so that it cannot become memory of the system: it lies at the "
      "top of RAM of a machine whose firmware tells of no nodes (no SRAT)",
      "choose a region with RAM above it with `warmdump plan`, and reboot with its options");
}

}  // namespace warmdump
