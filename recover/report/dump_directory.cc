#include "recover/report/dump_directory.h"

#include <fmt/format.h>

#include <ctime>
#include <span>
#include <string>

#include "common/hosted/whole_file.h"
#include "common/stopwatch.h"
#include "recover/output/output_file.h"
#include "recover/output/output_format.h"
#include "recover/report/crash_report.h"
#include "recover/report/dump_map_json.h"
#include "recover/report/layout.h"
#include "recover/report/meta_json.h"
#include "recover/report/page/report_page.h"
#include "recover/report/readme.h"
#include "recover/report/redact_dump.h"

namespace warmdump {
namespace {

// meta.json is a few KiB; anything much larger is not ours.
constexpr ByteCount kMetaSizeMax = 16 * kMiB;
constexpr ByteCount kMemoryMapSizeMax = 4 * kMiB;

Outcome<void> write_text(const std::filesystem::path& path, std::string_view text) {
  OutputFile file = TRY(OutputFile::create(path));
  TRY(file.write_at(0, std::as_bytes(std::span(text))));
  return file.commit();
}

OutputOptions output_options(const DumpDirectoryOptions& options) {
  OutputOptions output;
  output.compression = options.compression;
  return output;
}
// One file of text under the name that the layout gives it; the summary remembers that.
class TextFiles {
 public:
  TextFiles(const std::filesystem::path& directory, DumpSummary& summary)
      : directory_(directory), summary_(summary) {}

  Outcome<void> write(const char* what, const std::string& name, std::string_view text) {
    TRY(write_text(directory_ / name, text));
    summary_.files[what] = name;
    return {};
  }

 private:
  const std::filesystem::path& directory_;
  DumpSummary& summary_;
};

}  // namespace

Outcome<const OutputFormat*> dump_directory_format(const DumpDirectoryOptions& options) {
  const OutputFormat* const format = TRY(choose_output_format(options.format, output_options(options)));
  if (format->holds_pages) return format;
  return Failure(ErrorCode::invalid, fmt::format("format \"{}\" is no dump", format->name));
}

Outcome<DumpSummary> write_dump_directory(const DumpReader& dump, const std::filesystem::path& directory,
                                          const ProgressFunction& progress,
                                          const DumpDirectoryOptions& options) {
  const OutputFormat* const format = TRY(dump_directory_format(options));
  const DumpLayout* const layout = find_dump_layout(options.layout);
  if (layout == nullptr) {
    return Failure(ErrorCode::invalid, fmt::format("there is no layout \"{}\"", options.layout));
  }
  const Stopwatch whole;
  DumpContents contents = TRY(summarize(dump));
  DumpSummary& summary = contents.summary;
  const auto now_s = static_cast<std::uint64_t>(std::time(nullptr));
  // As the spool has it, whose directory is named before anything else is known.
  const std::uint64_t time_s =
      layout_time(dump.header() ? std::uint64_t{dump.header()->crash_time_s} : 0, now_s);
  summary.layout = layout->name;
  TextFiles files(directory, summary);
  if (layout->crash_report && summary.log_error.empty()) {
    const std::uint64_t told_s = options.vmcore ? now_s : time_s;
    const CrashReport report = make_crash_report(summary, contents.log, time_s, told_s * 1000);
    TRY(files.write("crash_report_payload", report.payload_name, report.payload));
    TRY(files.write("crash_report_meta", report.meta_name, report.meta));
  }
  if (options.redact) redact(contents);
  if (summary.log_error.empty()) {
    TRY(files.write("dmesg", layout_name(layout->dmesg, time_s), format_printk_log(contents.log)));
  }

  if (options.vmcore) {
    summary.timings_ms["summary"] = whole.elapsed_ms();
    const Stopwatch converting;
    OutputOptions output = output_options(options);
    output.incomplete = !summary.complete;
    const std::string vmcore_name = layout_name(layout->vmcore, time_s);
    const OutputReport report =
        TRY(write_output_file(*format, dump, directory / vmcore_name, output, progress));
    summary.files["vmcore"] = vmcore_name;
    summary.vmcore_size = report.file_size;
    summary.timings_ms["vmcore"] = converting.elapsed_ms();
    summary.timings_ms["total"] = whole.elapsed_ms();
  }

  if (*layout->readme != '\0') TRY(files.write("readme", layout->readme, readme_text(summary, time_s)));
  const DumpMap map = TRY(map_memory(dump));
  TRY(files.write("memory_map", std::string(kMemoryMapName), to_json(map)));
  if (options.report) {
    const std::string page = report_html(summary, map, contents.log);
    TRY(files.write("report", std::string(kReportName), page));
  }
  TRY(write_text(directory / kMetaName, to_json(summary)));
  return std::move(summary);
}

Outcome<DumpSummary> read_dump_directory(const std::filesystem::path& directory) {
  const std::filesystem::path path = directory / kMetaName;
  const std::string text = TRY(
      in_context("no finished dump in " + directory.string(), read_whole_file(path.string(), kMetaSizeMax)));
  return in_context(directory.string(), parse_meta_json(text));
}

Outcome<DumpMap> read_dump_map(const std::filesystem::path& directory) {
  const std::filesystem::path path = directory / kMemoryMapName;
  const std::string text = TRY(in_context("no memory map in " + directory.string(),
                                          read_whole_file(path.string(), kMemoryMapSizeMax)));
  return in_context(directory.string(), parse_dump_map(text));
}

}  // namespace warmdump
