#include "recover/report/encrypted_directory.h"

#include <fmt/format.h>

#include <string>

#include "common/dump_format/dump_state.h"
#include "common/stopwatch.h"
#include "recover/output/output_file.h"
#include "recover/report/meta_json.h"

namespace warmdump {
namespace {

void count_pages(const dump_format::RegionHeader& header, ClassCounts& total) {
  total.data = header.pages_data;
  total.zero = header.pages_zero;
  total.lost = header.pages_lost;
  total.excluded = header.pages_excluded;
  total.kept = total.data + total.zero + total.lost;
  total.pages = total.kept + total.excluded;
}

void judge(const DumpImage& image, DumpSummary& summary) {
  const auto& header = image.dump().header;
  const ScanReport& scan = image.scan();
  std::vector<std::string> reasons;
  if (!image.dump().wrapped_key) reasons.push_back("its key is lost, so nobody can read it");
  if (!header) reasons.push_back("headers lost");
  if (header && header->state != static_cast<std::uint32_t>(dump_format::State::complete)) {
    reasons.push_back(scan.end_frame_found ? "the capture left something out"
                                           : "the capture died while storing: " + summary.region.phase);
  } else if (!scan.end_frame_found) {
    reasons.push_back("the end is missing");
  }
  if (scan.missing_frames > 0) reasons.push_back(fmt::format("{} frames missing", scan.missing_frames));
  if (scan.foreign_frames > 0)
    reasons.push_back(fmt::format("{} frames without the dump's seal left out", scan.foreign_frames));
  summary.complete = reasons.empty();
  summary.completeness = summary.complete ? "complete, as far as can be told without its key"
                                          : fmt::format("incomplete: {}", fmt::join(reasons, ", "));
}

}  // namespace

DumpSummary summarize_encrypted(const DumpImage& image) {
  DumpSummary summary;
  const LocatedDump& dump = image.dump();
  summary.encrypted = true;
  summary.key_id = dump.key_id();
  summary.authenticity = authenticity_name(dump.authenticity);
  summary.region.state = "lost";
  if (const auto& header = dump.header) {
    summary.region = summarize_region(*header);
    summary.dump_level = header->dump_level;
    summary.crash_time_s = header->crash_time_s;
    summary.bytes_raw = header->bytes_raw;
    count_pages(*header, summary.pages.total);
  }
  if (dump.wrapped_key) {
    const std::string_view boot_id(dump.wrapped_key->boot_id, sizeof(dump.wrapped_key->boot_id));
    summary.capture_info["boot_id"] = boot_id.substr(0, boot_id.find('\0'));
  }
  summary.bytes_stored = image.scan().frame_bytes;
  summary.damage.scan = image.scan();
  summary.damage.header_lost = !dump.header;
  summary.log_error = "the kernel log is encrypted";
  judge(image, summary);
  return summary;
}

Outcome<DumpSummary> write_encrypted_directory(const DumpImage& image, const std::filesystem::path& directory,
                                               const ByteProgress& progress, bool with_image) {
  const Stopwatch stopwatch;
  DumpSummary summary = summarize_encrypted(image);
  if (with_image) {
    TRY(write_dump_image(image, directory / kImageName, progress));
    summary.timings_ms["total"] = stopwatch.elapsed_ms();
  }
  OutputFile meta = TRY(OutputFile::create(directory / kMetaName));
  const std::string text = to_json(summary);
  TRY(meta.write_at(0, std::as_bytes(std::span(text))));
  TRY(meta.commit());
  return summary;
}

}  // namespace warmdump
