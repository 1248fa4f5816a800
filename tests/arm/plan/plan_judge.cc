#include "tests/arm/plan/plan_judge.h"

#include <fmt/format.h>

#include <map>
#include <set>

#include "arm/machine/command_line.h"

namespace warmdump {
namespace {

constexpr ByteCount kPiece = 2 * kMiB;
constexpr PhysicalAddress kAddressSpaceMax = PhysicalAddress{1} << 46;

// What the machine says about 2 MiB of addresses.
struct Piece {
  bool ram = false;     // all of it RAM when the kernel starts
  bool usable = false;  // and fit for a region
  bool crash_kernel = false;
  std::size_t entry = 0;     // of /proc/iomem
  std::size_t firmware = 0;  // entry of the firmware's map
  unsigned domain = 0;
  unsigned node = 0;  // 0: not known, else node + 1
};

bool inside(const AddressRange& outer, PhysicalAddress start) {
  return outer.start <= start && outer.start + outer.size >= start + kPiece;
}

bool meets(const AddressRange& range, PhysicalAddress start) {
  return range.start < start + kPiece && start < range.start + range.size;
}

bool fits_blocks(const AddressRange& region, ByteCount block) {
  return region.size > kPiece && (region.start + kPiece) % block == 0 && (region.size - kPiece) % block == 0;
}

class Judge {
 public:
  explicit Judge(const Machine& machine) : machine_(machine), block_(machine.block_size) {
    find_own_region();
    for (const MapEntry& entry : machine_.map.entries) {
      if (entry.depth != 0) continue;
      if (entry.name != "System RAM" && !(own_ && entry.range == *own_)) continue;
      for (PhysicalAddress at = entry.range.start / kPiece * kPiece;
           at < entry.range.start + entry.range.size && at < kAddressSpaceMax; at += kPiece) {
        pieces_[at];
      }
    }
    find_entries();
    uses_affinity_ = affinity_covers_ram();
    for (auto& [at, piece] : pieces_) look_at(at, piece);
  }

  std::optional<AddressRange> own() const { return own_; }

  // Why no region may lie there; empty when it may.
  std::string objection(const AddressRange& region) const {
    if (!fits_blocks(region, block_)) return "not 2 MiB before a block, or not whole blocks";
    if (region.start < 16 * kMiB) return "in the first 16 MiB";
    const Piece* first = nullptr;
    std::set<unsigned> nodes;
    for (PhysicalAddress at = region.start; at < region.end(); at += kPiece) {
      const auto found = pieces_.find(at);
      if (found == pieces_.end() || !found->second.ram) return fmt::format("{:#x} is not RAM at boot", at);
      const Piece& piece = found->second;
      if (!piece.usable) return fmt::format("{:#x} is not fit", at);
      if (first == nullptr) first = &piece;
      if (piece.entry != first->entry) return fmt::format("{:#x} is in another entry of iomem", at);
      if (piece.firmware != first->firmware) return fmt::format("{:#x} is in another firmware entry", at);
      if (piece.domain != first->domain) return fmt::format("{:#x} is in another affinity domain", at);
      if (piece.node != 0) nodes.insert(piece.node);
    }
    if (nodes.size() > 1) return "on several nodes";
    if (region.start < 4 * kGiB && region.end() > 4 * kGiB) return "on both sides of 4 GiB";
    if (!uses_affinity_ && !ram_above(region)) return "the kernel will know no node for it";
    return {};
  }

  bool over_crash_kernel(const AddressRange& region) const {
    for (PhysicalAddress at = region.start; at < region.end(); at += kPiece) {
      const auto found = pieces_.find(at);
      if (found != pieces_.end() && found->second.crash_kernel) return true;
    }
    return false;
  }

  bool leaves_low_memory(const AddressRange& region) const {
    if (region.start >= 4 * kGiB) return true;
    const ByteCount low = ram_below_four_gib(std::nullopt);
    return ram_below_four_gib(region) >= std::min(kGiB, low / 2);
  }

  // Any place for so many blocks.
  bool any_place(std::uint64_t blocks, bool high, bool off_crash_kernel) const {
    for (const auto& [at, piece] : pieces_) {
      if ((at + kPiece) % block_ != 0) continue;
      const AddressRange region{at, kPiece + blocks * block_};
      if (high && at < 4 * kGiB) continue;
      if (off_crash_kernel && over_crash_kernel(region)) continue;
      if (objection(region).empty() && leaves_low_memory(region)) return true;
    }
    return false;
  }

  ByteCount ram() const { return ram_; }

 private:
  void find_own_region() {
    std::vector<AddressRange> regions;
    for (const MapEntry& entry : machine_.map.entries) {
      if (entry.depth == 0 && entry.name == "Persistent Memory (legacy)") regions.push_back(entry.range);
    }
    unsigned fitting = 0;
    for (const AddressRange& region : regions) {
      bool piece_of_a_cut_one = false;
      for (const AddressRange& other : regions) {
        if (other.start == region.end() || other.end() == region.start) piece_of_a_cut_one = true;
      }
      bool firmware_ram = !machine_.firmware_map.has_value();
      if (machine_.firmware_map) {
        for (const FirmwareEntry& entry : machine_.firmware_map->entries) {
          if (entry.type == "System RAM" && entry.range.contains(region)) firmware_ram = true;
        }
      }
      if (piece_of_a_cut_one || !firmware_ram) continue;
      if (regions.size() > 1 && !fits_blocks(region, block_)) continue;
      ++fitting;
      own_ = region;
    }
    if (fitting != 1) own_.reset();
  }

  // Runs of addresses that nothing but our own region interrupts, by number.
  void find_entries() {
    std::size_t number = 0;
    PhysicalAddress last_end = 0;
    bool last_was_own = false;
    for (const MapEntry& entry : machine_.map.entries) {
      if (entry.depth != 0) continue;
      const bool is_own = own_ && entry.range == *own_;
      if (entry.name != "System RAM" && !is_own) continue;
      const bool goes_on = entry.range.start == last_end && (is_own || last_was_own) && number > 0;
      if (!goes_on) ++number;
      runs_[number].push_back(entry.range);
      last_end = entry.range.end();
      last_was_own = is_own;
    }
  }

  std::size_t run_of(PhysicalAddress at) const {
    for (const auto& [number, ranges] : runs_) {
      if (inside({ranges.front().start, ranges.back().end() - ranges.front().start}, at)) return number;
    }
    return 0;
  }

  bool was_there_at_boot(PhysicalAddress at) const {
    if (!machine_.boot || !machine_.boot->ram_complete) return true;
    if (own_ && inside(*own_, at)) return true;
    // The region's neighbours share a piece with it only where all of it was there.
    for (const AddressRange& range : machine_.boot->ram) {
      if (inside(range, at)) return true;
    }
    return false;
  }

  std::size_t firmware_entry_of(PhysicalAddress at) const {
    if (!machine_.firmware_map) return 1;
    std::size_t number = 0;
    for (const FirmwareEntry& entry : machine_.firmware_map->entries) {
      ++number;
      if (entry.type == "System RAM" && inside(entry.range, at)) return number;
    }
    return 0;
  }

  bool affinity_covers_ram() const {
    if (machine_.affinity_state != TableState::present || machine_.affinity.empty()) return false;
    // In pages, since the limit is smaller than a piece.
    PageCount uncovered = 0;
    for (const auto& [at, piece] : pieces_) {
      bool whole = false;
      for (const AffinityRange& entry : machine_.affinity) whole = whole || inside(entry.range, at);
      if (whole) continue;
      for (PhysicalAddress page = at; page < at + kPiece; page += kPageSize) {
        if (is_ram_page(page) && !affinity_has(page)) ++uncovered;
      }
    }
    return uncovered * kPageSize < kMiB;
  }

  bool affinity_has(PhysicalAddress page) const {
    for (const AffinityRange& entry : machine_.affinity) {
      if (entry.range.start <= page && page < entry.range.end()) return true;
    }
    return false;
  }

  bool is_ram_page(PhysicalAddress page) const {
    bool listed = false;
    for (const auto& [number, ranges] : runs_) {
      for (const AddressRange& range : ranges) listed = listed || (range.start <= page && page < range.end());
    }
    if (!listed) return false;
    if (machine_.boot && machine_.boot->ram_complete &&
        !(own_ && own_->start <= page && page < own_->end())) {
      bool booted = false;
      for (const AddressRange& range : machine_.boot->ram) {
        booted = booted || (range.start <= page && page < range.end());
      }
      if (!booted) return false;
    }
    if (!machine_.firmware_map) return true;
    for (const FirmwareEntry& entry : machine_.firmware_map->entries) {
      if (entry.type == "System RAM" && entry.range.start <= page && page < entry.range.end()) return true;
    }
    return false;
  }

  void look_at(PhysicalAddress at, Piece& piece) {
    piece.entry = run_of(at);
    piece.firmware = firmware_entry_of(at);
    piece.ram = piece.entry != 0 && piece.firmware != 0 && was_there_at_boot(at);
    if (!piece.ram) {
      for (PhysicalAddress page = at; page < at + kPiece; page += kPageSize) {
        if (is_ram_page(page)) add_ram(at, kPageSize);
      }
      return;
    }
    add_ram(at, kPiece);
    piece.usable = true;
    for (std::size_t i = 0; i < machine_.affinity.size(); ++i) {
      const AffinityRange& entry = machine_.affinity[i];
      if (entry.hot_pluggable && meets(entry.range, at)) piece.usable = false;
      if (inside(entry.range, at)) piece.domain = entry.domain + 1;
    }
    if (uses_affinity_ && piece.domain == 0) {
      for (PhysicalAddress page = at; page < at + kPiece; page += kPageSize) {
        if (!affinity_has(page)) piece.usable = false;
      }
    }
    if (machine_.blocks) {
      for (const MemoryBlocks& blocks : *machine_.blocks) {
        if (!meets(blocks.range, at)) continue;
        if (blocks.node) piece.node = *blocks.node + 1;
        const bool own = own_ && meets(*own_, at);
        if (!own && !blocks.online) piece.usable = false;
        if (!own && blocks.zone == "Movable" && !machine_.options.movable_split) piece.usable = false;
      }
    }
    bool kernel_fixed = machine_.architecture != Architecture::x86_64 || machine_.options.no_randomisation;
    for (const MapEntry& entry : machine_.map.entries) {
      if (entry.name == "Kernel code" && entry.range.start == 0x1000000) kernel_fixed = true;
    }
    bool in_ram = false;
    for (const MapEntry& entry : machine_.map.entries) {
      if (entry.depth == 0) in_ram = entry.name == "System RAM";
      if (entry.depth != 1 || !in_ram || !meets(entry.range, at)) continue;
      if (entry.name.rfind("Crash kernel", 0) == 0) {
        piece.crash_kernel = true;
      } else if (kernel_fixed || entry.name.rfind("Kernel ", 0) != 0) {
        piece.usable = false;
      }
    }
    if (machine_.boot && machine_.boot->initrd) {
      // Room for one twice as large, which ends where this one does.
      const AddressRange& initrd = *machine_.boot->initrd;
      const PhysicalAddress lowest = initrd.start > initrd.size ? initrd.start - initrd.size : 0;
      if (at + kPiece > lowest && at < initrd.end()) piece.usable = false;
    }
  }

  void add_ram(PhysicalAddress at, ByteCount size) {
    ram_ += size;
    if (at < 4 * kGiB) low_ram_ += size;
    ram_end_ = std::max(ram_end_, at + kPiece);
  }

  bool ram_above(const AddressRange& region) const { return region.end() < ram_end_; }

  ByteCount ram_below_four_gib(const std::optional<AddressRange>& region) const {
    return region ? low_ram_ - region->size : low_ram_;
  }

  const Machine& machine_;
  ByteCount block_;
  std::optional<AddressRange> own_;
  std::map<std::size_t, std::vector<AddressRange>> runs_;
  std::map<PhysicalAddress, Piece> pieces_;
  bool uses_affinity_ = false;
  ByteCount ram_ = 0;
  ByteCount low_ram_ = 0;
  PhysicalAddress ram_end_ = 0;
};

ByteCount smallest_share(ByteCount ram, ByteCount block) {
  const ByteCount share = std::max(ram / 16, 128 * kMiB);
  return (share + block - 1) / block * block;
}

}  // namespace

std::vector<std::string> objections_to_plan(const Machine& machine, const std::optional<ByteCount>& size,
                                            const Outcome<RegionPlan>& answer) {
  const Judge judge(machine);
  const ByteCount block = machine.block_size;
  std::vector<std::string> objections;
  const auto object = [&](bool wrong, const std::string& text) {
    if (wrong) objections.push_back(text);
  };
  const ByteCount kept = std::max(judge.ram() / 2, 320 * kMiB);
  const auto has_room = [&](std::uint64_t blocks) { return blocks * block + kPiece + kept <= judge.ram(); };
  if (!answer.has_value()) {
    if (answer.error().code != ErrorCode::no_space) return objections;
    std::uint64_t blocks = 1;
    if (size) blocks = *size <= kPiece ? 1 : (*size - kPiece + block - 1) / block;
    object(has_room(blocks) && judge.any_place(blocks, false, false),
           "refused, but there is a place: " + answer.error().message);
    return objections;
  }
  const RegionPlan& plan = *answer;
  const AddressRange region = plan.region;
  const std::uint64_t blocks = (region.size - kPiece) / block;
  const std::string objection = judge.objection(region);
  const bool own = judge.own() && region == *judge.own();
  object(!objection.empty() && !(plan.active && objection.find("no node") != std::string::npos),
         fmt::format("{}: {}", address_range_text(region), objection));
  object(!plan.active && !has_room(blocks), "more than half of RAM");
  object(!plan.active && !judge.leaves_low_memory(region), "takes too much of low memory");
  object(plan.active && !own, "called active without being there");
  object(size && region.size < *size && region.size != kPiece + blocks * block, "smaller than asked for");
  object(size && region.size >= *size + block + kPiece, "more than a block too large");
  object(!size && !plan.active && blocks * block > smallest_share(judge.ram(), block),
         "larger than its share");
  if (!plan.active) {
    const bool low = region.start < 4 * kGiB;
    object(low && size && judge.any_place(blocks, true, false), "low, and a high place is free");
    object(judge.over_crash_kernel(region) && judge.any_place(blocks, !low, true),
           "over the crash kernel, and another place is free");
  }
  if (plan.runner_up) {
    object(!judge.objection(*plan.runner_up).empty(), "second best: " + judge.objection(*plan.runner_up));
    object(plan.runner_up->overlaps(region), "second best overlaps the best");
    object(plan.runner_up->size != region.size, "second best has another size");
  }
  object(plan.returned_size + plan.never_returned != region.size || plan.never_returned != kPiece,
         "sizes do not add up");
  object(plan.struct_page_size != plan.returned_size / 4096 * 64, "struct pages are 64 bytes a page");
  // The judge counts whole pages; entries of /proc/iomem need not be.
  const ByteCount pages_cut = 2 * kPageSize * machine.map.entries.size();
  object(plan.ram_size > judge.ram() + pages_cut || judge.ram() > plan.ram_size + pages_cut,
         fmt::format("RAM is {:#x}, not {:#x}", judge.ram(), plan.ram_size));
  if (machine.architecture == Architecture::x86_64) {
    for (const std::string& options : {plan.running_options, plan.crash_options}) {
      const auto regions = regions_of_command_line(options);
      object(!regions.has_value() || *regions != std::vector<AddressRange>{region},
             "another region on the command line: " + options);
    }
  } else {
    object(plan.instead_of_options.empty() || !plan.running_options.empty(), "memmap= where there is none");
  }
  return objections;
}

}  // namespace warmdump
