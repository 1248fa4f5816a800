#include "arm/estimate/dump_estimate.h"

#include <cmath>
#include <cstdlib>
#include <numeric>

#include "arm/plan/region_plan.h"
#include "common/kernel/page_classifier.h"

namespace warmdump {
namespace {

// The same machine gives the same estimate, as far as it stands still.
constexpr std::uint64_t kSeed = 0x7761'726d'6475'6d70;

// VMCOREINFO, ELF headers and notes, the kernel log with its tables (0.6 MiB of memory with Debian's
// log_buf_len), compressed; and the last frame of every phase, which is not full.
constexpr ByteCount kNotesAndEnds = 512 * kKiB;

ByteCount rounded(double bytes) {
  return static_cast<ByteCount>(std::llround(bytes));
}

ClassEstimate estimate_class(const PageCensus& census, const ClassSample& sample, PageClass page_class,
                             unsigned dump_level) {
  ClassEstimate estimate;
  estimate.page_class = page_class;
  estimate.pages = census.pages_of(page_class);
  estimate.kept = is_kept(page_class, dump_level);
  if (!estimate.kept) return estimate;
  estimate.is_measured = sample.pages > 0;
  estimate.pages_sampled = sample.pages;
  const auto pages = static_cast<double>(estimate.pages);
  const double per_page = estimate.is_measured ? sample.bytes_per_page() : usual_bytes_per_page(page_class);
  if (estimate.is_measured) {
    estimate.zero_share = static_cast<double>(sample.zero_pages) / static_cast<double>(sample.pages);
  }
  const double of_pages = pages * sample.standard_error(estimate.pages);
  const double of_count = per_page * census.standard_error_of(page_class);
  estimate.bytes = rounded(pages * per_page);
  estimate.error = rounded(std::hypot(of_pages, of_count));
  return estimate;
}

}  // namespace

double usual_bytes_per_page(PageClass page_class) {
  constexpr double kPage = kPageSize;
  switch (page_class) {
    case PageClass::struct_page:
      return kPage * 0.05;
    case PageClass::page_table:
      return kPage * 0.02;
    case PageClass::slab:
      return kPage * 0.10;
    case PageClass::kernel:
      return kPage * 0.20;
    case PageClass::kernel_image:
      return kPage * 0.40;
    case PageClass::free:
    case PageClass::unaccepted:
      return kPage * 0.40;
    case PageClass::cache:
    case PageClass::private_cache:
    case PageClass::user:
    case PageClass::hugetlb:
    case PageClass::unknown:
      return kPage * 0.60;
    case PageClass::absent:
    case PageClass::hwpoison:
    case PageClass::offline:
    case PageClass::region:
      return 0;
  }
  return kPage;
}

Outcome<DumpEstimate> estimate_dump(LiveMemory& memory, const CapturedMemory& captured, unsigned dump_level,
                                    std::uint64_t seed, const EstimateProgress& progress) {
  PageCensus census = TRY(PageCensus::take(memory, captured, seed, progress));
  const CompressionSample sample = TRY(sample_compression(memory, census, dump_level, seed, progress));
  DumpEstimate estimate;
  estimate.dump_level = dump_level;
  estimate.pages = census.pages();
  estimate.pages_read = census.pages_read();
  estimate.why_unmeasured = memory.why_unreadable();
  double squares = 0;
  for (std::size_t i = 0; i < dump_format::kPageClassCount; ++i) {
    const auto page_class = static_cast<PageClass>(i);
    if (census.pages_read_of(page_class) == 0) continue;
    const ClassEstimate& added =
        estimate.classes.emplace_back(estimate_class(census, sample.classes[i], page_class, dump_level));
    estimate.bytes += added.bytes;
    squares += static_cast<double>(added.error) * static_cast<double>(added.error);
  }
  estimate.error = rounded(std::sqrt(squares));
  if (sample.mapped_pages > 0) {
    estimate.class_map_bytes =
        rounded(static_cast<double>(sample.map_bytes) * static_cast<double>(estimate.pages) /
                static_cast<double>(sample.mapped_pages));
  }
  estimate.other_bytes = kNotesAndEnds;
  estimate.bytes += estimate.class_map_bytes + estimate.other_bytes;
  return estimate;
}

Outcome<DumpEstimate> estimate_dump(const MachineFiles& files, unsigned dump_level,
                                    const EstimateProgress& progress) {
  const std::string iomem = TRY(files.read("/proc/iomem"));
  const MemoryMap map = TRY(in_context(files.path("/proc/iomem"), parse_memory_map(iomem)));
  SystemLiveMemory memory = TRY(SystemLiveMemory::open(files));
  DumpEstimate estimate = TRY(estimate_dump(memory, captured_memory(map), dump_level, kSeed, progress));
  estimate.uptime_s = std::strtoull(files.line_or_empty("/proc/uptime").c_str(), nullptr, 10);
  return estimate;
}

RecommendedRegion recommended_region(const DumpEstimate& estimate, ByteCount block_size) {
  RecommendedRegion region;
  region.dump = estimate.bytes + 2 * estimate.error;
  region.grown = region.dump * kGrowthFactor;
  region.ram_share = estimate.pages * kPageSize / kRamShareMin;
  region.unrounded =
      std::max(region.grown, region.ram_share) + dump_format::kFramesOffset + dump_format::kTailReserve;
  region.size = round_up(region.unrounded - kRegionLead, block_size) + kRegionLead;
  return region;
}

}  // namespace warmdump
