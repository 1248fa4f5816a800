#include "cli/estimate_report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>

#include "cli/progress.h"
#include "common/dump_format/dump_state.h"
#include "common/hosted/byte_count_text.h"

namespace warmdump {
namespace {

constexpr std::uint64_t kShortUptimeSeconds = 3600;
constexpr ByteCount kChunkBytes = PageCensus::kChunkPfns * kPageSize;

// Flags do not tell struct pages from the little that is reserved beside them.
std::string name_of(PageClass page_class) {
  return page_class == PageClass::struct_page ? "struct pages, boot"
                                              : dump_format::page_class_name(page_class);
}

std::string basis_of(const ClassEstimate& part) {
  if (!part.kept) return "left out";
  if (!part.is_measured) return "usual ratio";
  return fmt::format("{} pages compressed, {:.0f} % zero", part.pages_sampled, 100 * part.zero_share);
}

bool is_young(const DumpEstimate& estimate) {
  return estimate.uptime_s != 0 && estimate.uptime_s < kShortUptimeSeconds;
}

void print_text(const DumpEstimate& estimate, const RecommendedRegion& region, ByteCount block_size) {
  fmt::print("A dump of this system now, dump level {}: {} +- {}\n", estimate.dump_level,
             readable_byte_count(estimate.bytes), readable_byte_count(2 * estimate.error));
  fmt::print("  {:<20} {:>12} {:>12}  {}\n", "class", "pages", "in the dump", "by");
  for (const ClassEstimate& part : estimate.classes) {
    fmt::print("  {:<20} {:>12} {:>12}  {}\n", name_of(part.page_class), part.pages,
               part.kept ? readable_byte_count(part.bytes) : "-", basis_of(part));
  }
  fmt::print("  {:<20} {:>12} {:>12}\n", "class maps", "", readable_byte_count(estimate.class_map_bytes));
  fmt::print("  {:<20} {:>12} {:>12}\n", "notes and log", "", readable_byte_count(estimate.other_bytes));
  if (estimate.pages_read < estimate.pages) {
    fmt::print("  by {} of {} pages, chosen at random\n", estimate.pages_read, estimate.pages);
  }
  if (!estimate.why_unmeasured.empty()) {
    fmt::print("  no page was compressed: {}; usual ratios instead\n", estimate.why_unmeasured);
  }
  fmt::print("\nRegion: {} ({})\n", exact_byte_count(region.size), readable_byte_count(region.size));
  fmt::print("  {} times {} for growth is {}; {} of RAM at least ({}); rounded to memory blocks of {}\n",
             readable_byte_count(region.dump), kGrowthFactor, readable_byte_count(region.grown),
             fmt::format("1/{}", kRamShareMin), readable_byte_count(region.ram_share),
             readable_byte_count(block_size));
  if (is_young(estimate)) {
    fmt::print("  the system has been up for {} minutes: ask again when it has worked for a while\n",
               estimate.uptime_s / 60);
  }
}

void print_json(const DumpEstimate& estimate, const RecommendedRegion& region, ByteCount block_size) {
  nlohmann::ordered_json classes = nlohmann::ordered_json::array();
  for (const ClassEstimate& part : estimate.classes) {
    nlohmann::ordered_json json = {
        {"class", dump_format::page_class_name(part.page_class)}, {"pages", part.pages}, {"kept", part.kept}};
    if (part.kept) {
      json["bytes"] = part.bytes;
      json["standard_error"] = part.error;
      json["measured"] = part.is_measured;
      json["pages_sampled"] = part.pages_sampled;
      json["zero_share"] = part.zero_share;
    }
    classes.push_back(json);
  }
  const nlohmann::ordered_json document = {
      {"dump_level", estimate.dump_level},
      {"bytes", estimate.bytes},
      {"standard_error", estimate.error},
      {"pages", estimate.pages},
      {"pages_read", estimate.pages_read},
      {"classes", classes},
      {"class_map_bytes", estimate.class_map_bytes},
      {"other_bytes", estimate.other_bytes},
      {"why_unmeasured", estimate.why_unmeasured},
      {"uptime_s", estimate.uptime_s},
      {"growth_factor", kGrowthFactor},
      {"ram_share", region.ram_share},
      {"memory_block_size", block_size},
      {"region_size", region.size},
  };
  fmt::print("{}\n", document.dump(2));
}

}  // namespace

Outcome<DumpEstimate> estimate_running_system(unsigned dump_level) {
  Progress progress;
  const char* stage = "";
  const auto hear = [&](const char* what, std::uint64_t done, std::uint64_t total) {
    if (stage != what) progress.begin(what, total * kChunkBytes);
    stage = what;
    progress.update(done * kChunkBytes);
    if (done == total) progress.finish();
  };
  return estimate_dump(MachineFiles(), dump_level, hear);
}

void print_estimate(const DumpEstimate& estimate, ByteCount block_size, bool json) {
  const RecommendedRegion region = recommended_region(estimate, block_size);
  if (json) {
    print_json(estimate, region, block_size);
  } else {
    print_text(estimate, region, block_size);
  }
}

}  // namespace warmdump
