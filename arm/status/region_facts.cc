#include "arm/status/region_facts.h"

#include <algorithm>
#include <array>

#include "arm/plan/region_plan.h"
#include "common/dump_format/dump_header.h"
#include "common/file_device.h"

namespace warmdump {
namespace {

Outcome<dump_format::RegionHeader> read_region_header(const std::string& path) {
  FileDevice disk;
  TRY(in_context("cannot open " + path, disk.open(path.c_str(), FileDevice::Access::read_only)));
  std::array<std::byte, dump_format::kHeaderSize> buffer;
  return in_context(path, dump_format::read_header(disk, buffer));
}

}  // namespace

ByteCount returnable_size(const AddressRange& region, ByteCount block_size) {
  const PhysicalAddress start = round_up(region.start + kRegionLead, block_size);
  return std::max(start, round_down(region.end(), block_size)) - start;
}

RegionFacts gather_region_facts(const MachineFiles& files, const ProofFacts& proof) {
  RegionFacts facts;
  facts.command_line = proof.command_line;
  const std::string memory = "/sys/devices/system/memory/";
  facts.auto_online_policy = files.line_or_empty(memory + "auto_online_blocks");
  const auto block_size = parse_block_size(files.line_or_empty(memory + "block_size_bytes"));
  if (block_size.has_value()) facts.block_size = *block_size;
  if (!proof.region.has_value()) {
    facts.region.code = proof.region.error().code;
    facts.region.why_not = proof.region.error().message;
    return facts;
  }
  facts.region = *proof.region;
  facts.device = find_region_device(files, *facts.region);
  if (facts.device && *facts.device && (*facts.device)->use == RegionUse::raw_disk) {
    facts.header = read_region_header(files.path("/dev/" + (*facts.device)->disk));
  }
  return facts;
}

}  // namespace warmdump
