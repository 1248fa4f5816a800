#include "recover/view_dump.h"

#include <array>
#include <nlohmann/json.hpp>

#include "common/dump_format/dump_header.h"
#include "recover/dump/located_dump.h"
#include "recover/report/dump_map_json.h"
#include "recover/report/encrypted_directory.h"
#include "recover/report/meta_json.h"
#include "recover/sandbox/reader_task.h"
#include "recover/watched_reads.h"

namespace warmdump {
namespace {

using nlohmann::json;

bool is_unproven(Authenticity authenticity) {
  return authenticity == Authenticity::unsealed || authenticity == Authenticity::unknown_boot;
}

// ---- in the reader ----

Outcome<json> view_encrypted(const Device& region, TaskLink& link, DumpView view) {
  if (view != DumpView::summary) {
    return Failure(ErrorCode::refused,
                   "the dump is encrypted: `warmdump decrypt` opens it where the private key is");
  }
  const DumpImage image = TRY(DumpImage::open(region, link.secrets()));
  const DumpSummary summary = summarize_encrypted(image);
  TRY(link.write_text(to_json(summary)));
  return json{{"complete", summary.complete}};
}

Outcome<std::string> text_of(const DumpReader& dump, const DumpContents& contents, DumpView view) {
  if (view == DumpView::map) return to_json(TRY(map_memory(dump)));
  if (view == DumpView::summary) return to_json(contents.summary);
  if (!contents.summary.log_error.empty()) return Failure(ErrorCode::not_found, contents.summary.log_error);
  return format_printk_log(contents.log);
}

Outcome<json> view(const Device& region, TaskLink& link, const ViewRequest& request) {
  const LocatedDump located = TRY(locate_dump(region, link.secrets()));
  // A file may be of another machine, and is shown to whoever named it.
  if (request.is_own_region && is_unproven(located.authenticity))
    return json{{"unproven", static_cast<unsigned>(located.authenticity)}};
  if (located.is_encrypted) return view_encrypted(region, link, request.view);
  const ByteCount expected = located.header ? ByteCount{located.header->frames_end} : region.size();
  const WatchedReads watched(
      region, expected, [&link](ByteCount done, ByteCount total) { link.tell_progress(0, done, total); });
  const DumpReader dump = TRY(DumpReader::open(watched, link.secrets()));
  const DumpContents contents = TRY(summarize(dump));
  watched.finish();
  TRY(link.write_text(TRY(text_of(dump, contents, request.view))));
  return json{{"complete", contents.summary.complete}};
}

// ---- in this process: nothing is believed ----

Failure wrong_answer() {
  return {ErrorCode::corrupt, "the process that reads the dump gave an answer that makes no sense"};
}

Outcome<DumpContent> content_of(TaskAnswer&& told, DumpView view) {
  DumpContent content;
  if (const auto unproven = told.answer.find("unproven"); unproven != told.answer.end()) {
    if (!unproven->is_number_unsigned()) return wrong_answer();
    content.unproven =
        static_cast<Authenticity>(std::min(unproven->get<std::uint64_t>(), std::uint64_t{255}));
    return is_unproven(*content.unproven) ? Outcome<DumpContent>(std::move(content)) : wrong_answer();
  }
  const auto complete = told.answer.find("complete");
  if (complete == told.answer.end() || !complete->is_boolean()) return wrong_answer();
  content.complete = complete->get<bool>();
  if (view == DumpView::log) content.log = std::move(told.text);
  if (view == DumpView::map) content.map = TRY(parse_dump_map(told.text));
  if (view == DumpView::summary) content.summary = TRY(parse_meta_json(told.text));
  return content;
}

}  // namespace

Outcome<DumpContent> view_dump(const FileDevice& region, const ViewRequest& request) {
  ReaderTask task;
  task.region = &region;
  task.work = [&request](const Device& device, TaskLink& link, const std::filesystem::path&) {
    return view(device, link, request);
  };
  task.progress = request.progress;
  task.missing = request.missing;
  return content_of(TRY(run_reader_task(task)), request.view);
}

}  // namespace warmdump
