#include "recover/extract_dump.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <optional>

#include "common/dump_format/dump_header.h"
#include "common/hosted/unique_fd.h"
#include "recover/dump/dump_reader.h"
#include "recover/output/output_file.h"
#include "recover/output/output_stream.h"
#include "recover/report/dump_summary.h"
#include "recover/sandbox/reader_task.h"
#include "recover/watched_reads.h"

namespace warmdump {
namespace {

using nlohmann::json;

// ---- in the reader ----

Outcome<OutputReport> write_pages(const DumpReader& dump, const OutputFormat& format,
                                  const OutputOptions& options, OutputFile* file, int stream,
                                  TaskLink& link) {
  const auto progress = [&link](PageCount done, PageCount total) {
    link.tell_progress(1, std::min(done, total) * kPageSize, total * kPageSize);
  };
  if (file == nullptr) {
    OutputStream output(stream);
    return format.write(dump, output, options, progress);
  }
  const OutputReport report = TRY(format.write(dump, *file, options, progress));
  TRY(file->reach_end_of_zeros());
  return report;
}

Outcome<json> extract(const Device& region, TaskLink& link, const OutputFormat& format, OutputOptions options,
                      OutputFile* file, int stream) {
  alignas(4096) std::array<std::byte, dump_format::kHeaderSize> buffer;
  const auto header = dump_format::read_header(region, buffer);
  const ByteCount expected = header ? ByteCount{header->frames_end} : region.size();
  const WatchedReads watched(
      region, expected, [&link](ByteCount done, ByteCount total) { link.tell_progress(0, done, total); });
  const DumpReader dump = TRY(DumpReader::open(watched, link.secrets()));
  const DumpSummary summary = TRY(summarize(dump)).summary;
  watched.finish();
  options.incomplete = !summary.complete;
  const OutputReport report = TRY(write_pages(dump, format, options, file, stream, link));
  constexpr std::size_t kTextMax = 4096;
  return json{{"complete", summary.complete},
              {"completeness", summary.completeness.substr(0, kTextMax)},
              {"pages", report.pages},
              {"file_size", report.file_size}};
}

// ---- in this process ----

Outcome<ExtractedFile> file_of(const json& answer) {
  const auto number = [&](const char* name) { return answer.at(name).get<std::uint64_t>(); };
  try {
    return ExtractedFile{.report = {.pages = number("pages"), .file_size = number("file_size")},
                         .complete = answer.at("complete").get<bool>(),
                         .completeness = answer.at("completeness").get<std::string>()};
  } catch (const json::exception&) {
    return Failure(ErrorCode::corrupt, "the process that reads the dump gave an answer that makes no sense");
  }
}

}  // namespace

Outcome<ExtractedFile> extract_dump(const FileDevice& region, const OutputFormat& format,
                                    const ExtractRequest& request) {
  std::optional<OutputFile> file;
  UniqueFd stream;
  ReaderTask task;
  if (request.output.empty()) {
    // The child's own standard streams lead nowhere.
    stream = UniqueFd(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    if (!stream.valid()) return Failure::system("cannot write to standard output", errno);
    task.outputs = {stream.get()};
  } else {
    file.emplace(TRY(OutputFile::create(request.output)));
    task.outputs = {file->descriptor()};
  }
  task.region = &region;
  task.work = [&](const Device& device, TaskLink& link, const std::filesystem::path&) {
    return extract(device, link, format, request.options, file ? &*file : nullptr, stream.get());
  };
  task.progress = request.progress;
  task.missing = request.missing;
  const TaskAnswer told = TRY(run_reader_task(task));
  ExtractedFile extracted = TRY(file_of(told.answer));
  if (file) TRY(file->commit());
  return extracted;
}

}  // namespace warmdump
