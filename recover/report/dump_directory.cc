#include "recover/report/dump_directory.h"

#include <fmt/format.h>

#include <span>
#include <string>

#include "common/hosted/whole_file.h"
#include "common/stopwatch.h"
#include "recover/output/output_file.h"
#include "recover/output/output_format.h"
#include "recover/report/meta_json.h"

namespace warmdump {
namespace {

// meta.json is a few KiB; anything much larger is not ours.
constexpr ByteCount kMetaSizeMax = 16 * kMiB;

Outcome<void> write_text(const std::filesystem::path& path, std::string_view text) {
  OutputFile file = TRY(OutputFile::create(path));
  TRY(file.write_at(0, std::as_bytes(std::span(text))));
  return file.commit();
}

}  // namespace

Outcome<DumpSummary> write_dump_directory(const DumpReader& dump, const std::filesystem::path& directory,
                                          const ProgressFunction& progress,
                                          const DumpDirectoryOptions& options) {
  const OutputFormat* const format =
      options.format.empty() ? &output_formats().front() : find_output_format(options.format);
  if (format == nullptr) {
    return Failure(ErrorCode::invalid, fmt::format("there is no format \"{}\" for a vmcore", options.format));
  }
  const Stopwatch whole;
  DumpContents contents = TRY(summarize(dump));
  DumpSummary& summary = contents.summary;
  if (summary.log_error.empty()) TRY(write_text(directory / kDmesgName, format_printk_log(contents.log)));
  summary.timings_ms["summary"] = whole.elapsed_ms();

  const Stopwatch converting;
  OutputOptions output;
  output.compression = options.compression;
  output.incomplete = !summary.complete;
  const OutputReport report = TRY(format->write(dump, directory / kVmcoreName, output, progress));
  summary.vmcore_size = report.file_size;
  summary.timings_ms["vmcore"] = converting.elapsed_ms();
  summary.timings_ms["total"] = whole.elapsed_ms();

  TRY(write_text(directory / kMetaName, to_json(summary)));
  return std::move(summary);
}

Outcome<DumpSummary> read_dump_directory(const std::filesystem::path& directory) {
  const std::filesystem::path path = directory / kMetaName;
  const std::string text = TRY(
      in_context("no finished dump in " + directory.string(), read_whole_file(path.string(), kMetaSizeMax)));
  return in_context(directory.string(), parse_meta_json(text));
}

}  // namespace warmdump
