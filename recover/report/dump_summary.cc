#include "recover/report/dump_summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <system_error>

#include "common/dump_format/dump_header.h"
#include "common/dump_format/dump_state.h"
#include "recover/output/core_notes.h"
#include "recover/report/chromeos_signature.h"

namespace warmdump {
namespace {

using dump_format::BlobKind;
using dump_format::Completeness;

// Parts without which a dump is not whole. Device dumps and such are whole when they are absent.
struct NeededPart {
  BlobKind kind;
  const char* name;
};
constexpr NeededPart kNeededParts[] = {
    {BlobKind::elf_headers, "ELF headers"}, {BlobKind::elf_notes, "ELF notes"},
    {BlobKind::vmcoreinfo, "VMCOREINFO"},   {BlobKind::capture_info, nullptr},
    {BlobKind::printk_ring, nullptr},       {BlobKind::printk_descs, nullptr},
    {BlobKind::printk_infos, nullptr},      {BlobKind::printk_text, nullptr},
    {BlobKind::device_dumps, nullptr},
};

const char* part_name(BlobKind kind) {
  switch (kind) {
    case BlobKind::capture_info:
      return "capture info";
    case BlobKind::elf_headers:
      return "ELF headers";
    case BlobKind::elf_notes:
      return "ELF notes";
    case BlobKind::vmcoreinfo:
      return "VMCOREINFO";
    case BlobKind::printk_ring:
      return "kernel log";
    case BlobKind::printk_descs:
      return "kernel log descriptors";
    case BlobKind::printk_infos:
      return "kernel log times";
    case BlobKind::printk_text:
      return "kernel log text";
    case BlobKind::device_dumps:
      return "device dumps";
    case BlobKind::wrapped_key:
      return "wrapped key";
  }
  return "unknown part";
}

std::vector<std::string> find_missing_parts(const BlobStore& blobs) {
  std::vector<std::string> missing;
  for (const NeededPart& part : kNeededParts) {
    const Blob* blob = blobs.find(part.kind);
    if (blob == nullptr && part.name != nullptr) missing.push_back(part.name);
    if (blob != nullptr && !blob->is_whole()) {
      missing.push_back(fmt::format("{} bytes of the {}", blob->missing_bytes, part_name(part.kind)));
    }
  }
  return missing;
}

std::map<std::string, std::string> parse_capture_info(std::string_view text) {
  std::map<std::string, std::string> info;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos || equals == 0) continue;
    info.emplace(line.substr(0, equals), line.substr(equals + 1));
  }
  return info;
}

std::string why_it_ended(const DumpReader& dump) {
  const auto* header = dump.header() ? &*dump.header() : nullptr;
  if (!dump.end()) {
    if (header == nullptr) return "the capture did not finish, or its end is damaged";
    std::string text =
        fmt::format("the capture {} while storing: {}", header->error_code != 0 ? "failed" : "died",
                    summarize_region(*header).phase);
    const RegionSummary region = summarize_region(*header);
    if (header->error_code != 0) text += fmt::format(" ({})", region.error);
    return text;
  }
  switch (static_cast<Completeness>(std::uint32_t{dump.end()->completeness})) {
    case Completeness::complete:
      return "";
    case Completeness::region_full: {
      const auto last = dump.phases().empty() ? 0 : dump.phases().back().phase;
      if (last == 0) return "the region was too small";
      return fmt::format("the region was too small, it was full while storing: {}",
                         dump_format::phase_name(static_cast<dump_format::Phase>(last)));
    }
    case Completeness::deadline:
      return "the capture ran out of time";
    case Completeness::failed:
      return "an error ended the capture";
    case Completeness::unreadable:
      return "some memory could not be read";
    case Completeness::damaged:
      return "other hands wrote into the region and not all frames could be made again";
  }
  return "the capture ended in a way this version does not know";
}

void judge(const DumpReader& dump, DumpSummary& summary) {
  std::vector<std::string> reasons;
  if (const std::string why = why_it_ended(dump); !why.empty()) reasons.push_back(why);
  if (summary.pages.total.lost > 0) reasons.push_back(fmt::format("{} pages lost", summary.pages.total.lost));
  for (const std::string& part : summary.missing_parts) reasons.push_back(part + " missing");
  if (const std::uint64_t foreign = dump.damage().scan.foreign_frames; foreign > 0)
    reasons.push_back(fmt::format("{} frames without the dump's seal left out", foreign));
  summary.complete = reasons.empty();
  summary.completeness =
      summary.complete ? "complete" : fmt::format("incomplete: {}", fmt::join(reasons, ", "));
}

std::vector<PhaseSummary> summarize_phases(const DumpReader& dump) {
  std::vector<PhaseSummary> phases;
  for (const PhaseTally& tally : dump.phases()) {
    if (tally.phase == 0) continue;
    phases.push_back({dump_format::phase_name(static_cast<dump_format::Phase>(tally.phase)), tally.data,
                      tally.zero, tally.bytes});
  }
  return phases;
}

// Where a region was too small even for the class maps, the capture still counted what it could not store.
void count_by_end_frame(const DumpReader& dump, PageCounts& pages) {
  PageCount& unclassified = pages.lost_by_reason[static_cast<std::size_t>(LostReason::unclassified)];
  const auto totals = dump.end_totals();
  if (unclassified == 0 || totals.size() != pages.classes.size() || dump.damage().any()) return;
  pages.total = ClassCounts{};
  for (std::size_t i = 0; i < totals.size(); ++i) {
    ClassCounts& counts = pages.classes[i];
    counts = {totals[i].pages, totals[i].kept, totals[i].stored_data, totals[i].stored_zero, 0,
              totals[i].lost};
    counts.excluded = counts.pages - std::min(counts.pages, counts.kept);
    if (i == static_cast<std::size_t>(dump_format::PageClass::absent)) continue;
    pages.total.pages += counts.pages;
    pages.total.kept += counts.kept;
    pages.total.data += counts.data;
    pages.total.zero += counts.zero;
    pages.total.excluded += counts.excluded;
    pages.total.lost += counts.lost;
  }
  const PageCount unreadable = pages.lost_by_reason[static_cast<std::size_t>(LostReason::unreadable)];
  pages.lost_by_reason[static_cast<std::size_t>(LostReason::not_stored)] =
      pages.total.lost - std::min(pages.total.lost, unreadable);
  unclassified = 0;
}

ByteCount data_bytes(const DumpReader& dump) {
  PageCount pages = 0;
  for (const IndexedRun& run : dump.pages().runs()) {
    if (run.content == dump_format::RunContent::data) pages += run.pfn_count;
  }
  return pages * kPageSize;
}

}  // namespace

RegionSummary summarize_region(const dump_format::RegionHeader& header) {
  RegionSummary region;
  region.state = dump_format::state_name(static_cast<dump_format::State>(std::uint32_t{header.state}));
  region.phase = dump_format::phase_name(static_cast<dump_format::Phase>(std::uint32_t{header.phase}));
  region.system_errno = static_cast<int>(std::uint32_t{header.system_errno});
  if (header.error_code != 0) {
    const auto code = static_cast<ErrorCode>(static_cast<std::uint16_t>(std::uint32_t{header.error_code}));
    region.error = error_code_name(code);
    if (region.system_errno != 0)
      region.error += fmt::format(": {}", std::generic_category().message(region.system_errno));
  }
  const auto* text = reinterpret_cast<const char*>(header.error_text);
  region.error_text.assign(text, std::find(text, text + sizeof(header.error_text), '\0'));
  region.captures_refused = header.captures_refused;
  region.region_start = header.region_start;
  region.region_size = header.region_size;
  region.capture_ms = header.elapsed_ms;
  region.frames_damaged = header.frames_damaged;
  region.frames_rewritten = header.frames_rewritten;
  region.frames_unrepaired = header.frames_unrepaired;
  region.check_passes = header.check_passes;
  region.headers_rewritten = header.headers_rewritten;
  region.memory_total = header.memory_total;
  region.memory_free_min = header.memory_free_min;
  region.is_record_without_frames = dump_format::is_record_without_frames(header);
  return region;
}

Outcome<DumpContents> summarize(const DumpReader& dump) {
  DumpContents contents;
  DumpSummary& summary = contents.summary;
  if (dump.header()) {
    summary.region = summarize_region(*dump.header());
    summary.dump_level = dump.header()->dump_level;
    summary.crash_time_s = dump.header()->crash_time_s;
  } else {
    summary.region.state = "lost";
  }
  if (dump.end()) summary.region.capture_ms = dump.end()->elapsed_ms;
  if (const auto time = dump.vmcoreinfo().decimal("CRASHTIME")) summary.crash_time_s = *time;
  if (const auto build_id = dump.vmcoreinfo().text("BUILD-ID")) summary.build_id = *build_id;
  summary.kernel = TRY(read_kernel_identity(dump));
  summary.cpu_count = make_core_notes(dump).cpu_count;
  summary.capture_info = parse_capture_info(dump.blobs().bytes(BlobKind::capture_info));
  summary.pages = TRY(count_pages(dump));
  count_by_end_frame(dump, summary.pages);
  summary.phases = summarize_phases(dump);
  summary.bytes_raw = data_bytes(dump);
  summary.bytes_stored = dump.damage().scan.frame_bytes;
  summary.damage = dump.damage();
  summary.missing_parts = find_missing_parts(dump.blobs());
  summary.authenticity = authenticity_name(dump.authenticity());
  summary.key_id = dump.key_id();
  judge(dump, summary);

  const BlobStore& blobs = dump.blobs();
  auto log = decode_printk_log({blobs.bytes(BlobKind::printk_ring), blobs.bytes(BlobKind::printk_descs),
                                blobs.bytes(BlobKind::printk_infos), blobs.bytes(BlobKind::printk_text)},
                               dump.vmcoreinfo());
  if (log) {
    contents.log = std::move(*log);
    summary.panic_text = find_panic_text(contents.log);
    summary.trace = find_crash_trace(contents.log);
    summary.signature = make_signature(summary.trace, summary.panic_text);
    summary.signature.chromeos = chromeos_signature(format_kcrash(contents.log));
    summary.log_records = contents.log.records.size();
    summary.log_unfinished = contents.log.unfinished;
    summary.log_lost = contents.log.lost;
  } else {
    summary.log_error = log.error().message;
  }
  return contents;
}

}  // namespace warmdump
