#include "arm/machine/memory_blocks.h"

#include <fmt/format.h>

#include <algorithm>

#include "arm/machine/lsmem.h"
#include "arm/machine/number_text.h"

namespace warmdump {
namespace {

constexpr const char* kFolder = "/sys/devices/system/memory";
constexpr const char* kSavedListing = "/lsmem";

// The number behind `prefix`: 12 of "memory12", none of "memory_failure".
std::optional<std::uint64_t> number_behind(std::string_view name, std::string_view prefix) {
  if (!name.starts_with(prefix)) return std::nullopt;
  return parse_decimal(name.substr(prefix.size()));
}

Outcome<MemoryBlocks> read_block(const MachineFiles& files, const std::string& folder, std::uint64_t number,
                                 ByteCount block_size) {
  const std::string state = files.line_or_empty(folder + "/state");
  if (state != "online" && state != "offline" && state != "going-offline") {
    return Failure(ErrorCode::corrupt, fmt::format("{}/state: \"{}\" is no state of a memory block",
                                                   files.path(folder), state.substr(0, 40)));
  }
  MemoryBlocks block{{number * block_size, block_size}, state == "online", {}, {}};
  if (block.online) block.zone = current_zone(files.line_or_empty(folder + "/valid_zones"));
  for (const std::string& name : files.names_in(folder)) {
    if (const auto node = number_behind(name, "node")) block.node = static_cast<unsigned>(*node);
  }
  return block;
}

}  // namespace

std::string current_zone(std::string_view zones) {
  return std::string(zones.substr(0, zones.find_first_of(" /")));
}

std::vector<MemoryBlocks> joined_blocks(std::vector<MemoryBlocks> blocks) {
  std::sort(blocks.begin(), blocks.end(),
            [](const MemoryBlocks& a, const MemoryBlocks& b) { return a.range.start < b.range.start; });
  std::vector<MemoryBlocks> joined;
  for (MemoryBlocks& block : blocks) {
    const bool alike = !joined.empty() && joined.back().range.end() == block.range.start &&
                       joined.back().online == block.online && joined.back().zone == block.zone &&
                       joined.back().node == block.node;
    if (alike) {
      joined.back().range.size += block.range.size;
    } else {
      joined.push_back(std::move(block));
    }
  }
  return joined;
}

Outcome<std::optional<std::vector<MemoryBlocks>>> read_memory_blocks(const MachineFiles& files,
                                                                     ByteCount block_size) {
  std::vector<MemoryBlocks> blocks;
  for (const std::string& name : files.names_in(kFolder)) {
    const auto number = number_behind(name, "memory");
    if (!number || *number >= UINT64_MAX / block_size) continue;
    blocks.push_back(TRY(read_block(files, std::string(kFolder) + "/" + name, *number, block_size)));
  }
  if (blocks.empty() && files.exists(kSavedListing)) {
    const std::string text = TRY(files.read(kSavedListing));
    blocks = TRY(in_context(files.path(kSavedListing), parse_lsmem(text)));
  }
  if (blocks.empty()) return std::optional<std::vector<MemoryBlocks>>();
  return std::optional(joined_blocks(std::move(blocks)));
}

}  // namespace warmdump
