#include "capture/capture_pipeline.h"

#include <algorithm>
#include <cstring>

#include "capture/crashed_machine/printk_ring.h"
#include "capture/crashed_machine/vmcore_memory.h"
#include "capture/pages/capture_plan.h"
#include "capture/pages/page_copier.h"
#include "capture/pages/page_selection.h"
#include "capture/pages/page_survey.h"
#include "capture/pages/priority_locator.h"
#include "capture/pages/priority_pages.h"
#include "capture/support/progress_log.h"
#include "capture/support/raw_log.h"
#include "capture/support/static_storage.h"
#include "capture/writer/blob_frames.h"
#include "capture/writer/dump_writer.h"
#include "capture/writer/failure_record.h"
#include "capture/writer/frame_repair.h"
#include "capture/writer/page_frames.h"
#include "common/dump_format/dump_state.h"
#include "common/stopwatch.h"

namespace warmdump {
namespace {

using namespace dump_format;

// A header older than this is written again, however little was stored meanwhile.
constexpr std::uint64_t kHeaderIntervalMs = 2000;

class Capture;
Capture* running_capture = nullptr;  // from its first write to the region to its end

class Capture final : public Heartbeat, public FrameSource {
 public:
  Capture(const FileDevice& vmcore, Device& region, const VmcoreElf& elf, CrashedKernel& kernel,
          VmcoreMemory& memory, const CaptureRequest& request)
      : elf_(elf),
        kernel_(kernel),
        memory_(memory),
        request_(request),
        pulse_(request.deadline, this),
        writer_(region),
        blobs_(writer_, vmcore),
        frames_(writer_),
        survey_(elf, kernel, memory, request.region, pulse_),
        locator_(vmcore, elf, kernel, request.hints, priority_),
        selection_(survey_, priority_, request.dump_level),
        copier_(elf.memory, memory, frames_, pulse_) {}

  Result<void> run(const RegionHeader& header);
  void fill(CaptureReport& report);
  void end_helpers() { writer_.end_helpers(); }
  // Leaves what ended the capture in the header, as far as the region still takes it.
  void record_failure(const Error& error);
  void record_crash(const Error& error);

  void beat() override;

  Result<void> make_again(const FrameOrigin& origin) override;
  bool may_go_on() override { return pulse_.beat(); }

 private:
  Result<void> enter(Phase phase);
  Result<void> write_notes();
  Result<void> write_pages(Phase phase, std::uint64_t from_chunk = 0);
  Result<void> write_chunk(Phase phase, std::uint64_t chunk);
  Result<void> write_selected(std::uint64_t chunk, const PageSelection::Selected& selected);
  Result<void> write_class_maps();
  Result<void> write_group(const BulkGroup& group);
  bool fits(const BulkGroup& group) const;
  PageCount pages_left(PageClass page_class) const;
  PageCount pages_left(const BulkGroup& group) const;
  Result<void> write_blob(BlobKind kind);
  Result<void> write_class_map(std::uint64_t chunk);
  Result<void> write_pages_again(Phase phase, Pfn first, Pfn last);
  Result<void> write_end();
  Result<void> finish();
  void update_header();
  // Flushes when the header on the region has become too old to tell where the capture is.
  Result<void> note_progress(std::uint64_t chunk);
  Progress progress();

  const VmcoreElf& elf_;
  CrashedKernel& kernel_;
  VmcoreMemory& memory_;
  const CaptureRequest& request_;
  Stopwatch stopwatch_;
  MonotonicClock clock_;
  Pulse pulse_;
  DumpWriter writer_;
  BlobFrames blobs_;
  PageFrames frames_;
  PageSurvey survey_;
  PriorityPages priority_;
  PriorityLocator locator_;
  PageSelection selection_;
  PageCopier copier_;
  ProgressLog progress_log_{clock_, clock_.now_ms()};
  std::uint64_t header_flushed_ms_ = 0;
  Phase phase_ = Phase::start;
  bool is_surveyed_ = false;  // the number of pages to store is known
  struct {
    PageCount pages = 0;
    ByteCount bytes = 0;
  } group_start_;             // what was stored before the current group of the bulk
  CaptureReport end_report_;  // as in the end frame
  bool is_cut_ = false;       // by the deadline: pages were left out
};

constexpr Phase kPhasesBeforeSurvey[] = {Phase::kernel_tables, Phase::stacks, Phase::kernel_data,
                                         Phase::per_cpu, Phase::modules};
constexpr Phase kPhasesBeforeBulk[] = {Phase::kernel_constants, Phase::kernel_text, Phase::kernel_rest,
                                       Phase::vmalloc};
constexpr PageCount kGroupSampleMin = 8192;

// Zero pages too, of all classes.
PageCount count(const PageTally& tally) {
  PageCount sum = 0;
  for (std::size_t i = 0; i < kPageClassCount; ++i) sum += tally.data[i] + tally.zero[i];
  return sum;
}

Result<void> Capture::run(const RegionHeader& header) {
  RegionHeader first = header;
  first.pfns_total = elf_.memory.end() / kPageSize;
  first.dump_level = request_.dump_level;
  first.crash_time_s = kernel_.info.decimal("CRASHTIME").value_or(0);
  TRY(writer_.begin(first));
  writer_.start_helpers(request_.threads);
  running_capture = this;
  TRY(enter(Phase::notes));
  TRY(write_notes());
  if (is_kept(PageClass::free, request_.dump_level)) survey_.look_into_free_blocks();
  survey_.locate_struct_pages();
  locator_.locate();
  for (const Phase phase : kPhasesBeforeSurvey) TRY(write_pages(phase));
  TRY(write_class_maps());
  for (const Phase phase : kPhasesBeforeBulk) TRY(write_pages(phase));
  TRY(write_group(kKernelPages));
  TRY(write_group(kStructPages));
  if (!pulse_.is_over()) {
    TRY(enter(Phase::device_dumps));
    TRY(write_blob(BlobKind::device_dumps));
  }
  TRY(write_group(kUserPages));
  return finish();
}

Result<void> Capture::enter(Phase phase) {
  phase_ = phase;
  TRY(frames_.begin_phase(phase));
  writer_.header().phase = static_cast<std::uint32_t>(phase);
  writer_.header().pfns_done = 0;
  update_header();
  return writer_.flush();
}

Result<void> Capture::write_notes() {
  for (const BlobKind kind :
       {BlobKind::capture_info, BlobKind::elf_headers, BlobKind::vmcoreinfo, BlobKind::elf_notes}) {
    TRY(write_blob(kind));
  }
  const auto ring = find_printk_ring(kernel_.info, *kernel_.page_tables);
  if (!ring.has_value()) {
    log_error("no kernel log", ring.error());
    return {};
  }
  for (const PrintkRing::Piece& piece : ring->pieces) TRY(write_blob(piece.kind));
  return {};
}

Result<void> Capture::write_blob(BlobKind kind) {
  switch (kind) {
    case BlobKind::capture_info:
      TRY(blobs_.add_text(kind, request_.info));
      return {};
    case BlobKind::elf_headers:
      TRY(blobs_.add_file_range(kind, 0, elf_.headers_size));
      return {};
    case BlobKind::vmcoreinfo:
      TRY(blobs_.add_text(kind, kernel_.info.whole_text()));
      return {};
    case BlobKind::elf_notes:
    case BlobKind::device_dumps:
      TRY(blobs_.add_notes(elf_, kind == BlobKind::device_dumps));
      return {};
    case BlobKind::printk_ring:
    case BlobKind::printk_descs:
    case BlobKind::printk_infos:
    case BlobKind::printk_text:
      break;
  }
  const auto ring = find_printk_ring(kernel_.info, *kernel_.page_tables);
  if (!ring.has_value()) return {};
  for (const PrintkRing::Piece& piece : ring->pieces) {
    if (piece.kind == kind) TRY(blobs_.add_memory(kind, *kernel_.page_tables, piece.address, piece.size));
  }
  return {};
}

Result<void> Capture::write_class_map(std::uint64_t chunk) {
  const Pfn first = chunk * kChunkPfns;
  TRY(writer_.append({.first = first, .last = first + kChunkPfns - 1, .type = FrameType::class_map},
                     selection_.class_map(chunk)));
  return {};
}

Result<void> Capture::write_class_maps() {
  if (pulse_.is_over()) return {};
  TRY(enter(Phase::survey));
  // To the end even when nothing fits any more: the end frame counts every page.
  for (auto chunk = survey_.next_chunk(0); chunk && pulse_.beat(); chunk = survey_.next_chunk(*chunk + 1)) {
    TRY(write_class_map(*chunk));
    selection_.count_pages();
    TRY(note_progress(*chunk));
  }
  is_surveyed_ = !pulse_.is_over();
  return {};
}

Result<void> Capture::write_chunk(Phase phase, std::uint64_t chunk) {
  if (!selection_.has_work(phase, chunk)) return {};
  return write_selected(chunk, selection_.select(phase, chunk));
}

Result<void> Capture::write_selected(std::uint64_t chunk, const PageSelection::Selected& selected) {
  TRY(copier_.copy(chunk * kChunkPfns, selected.classes, selected.pages));
  return note_progress(chunk);
}

Result<void> Capture::write_pages(Phase phase, std::uint64_t from_chunk) {
  if (writer_.is_full() || pulse_.is_over()) return {};
  TRY(enter(phase));
  for (auto chunk = survey_.next_chunk(from_chunk); chunk && pulse_.beat();
       chunk = survey_.next_chunk(*chunk + 1)) {
    if (writer_.is_full()) break;
    TRY(write_chunk(phase, *chunk));
  }
  TRY(frames_.finish_frame());
  return {};
}

Progress Capture::progress() {
  PageCount done = 0;
  PageCount total = 0;
  for (std::size_t i = 0; i < kPageClassCount; ++i) {
    done += frames_.stored().data[i] + frames_.stored().zero[i] + frames_.stored().unreadable[i];
    total += is_surveyed_ ? selection_.kept(i) : 0;
  }
  return {.phase = phase_name(phase_),
          .done = done,
          .total = total,
          .bytes_raw = writer_.header().bytes_raw,
          .bytes_stored = writer_.header().bytes_stored};
}

void Capture::beat() {
  if (request_.heartbeat != nullptr) request_.heartbeat->beat();
  if (!progress_log_.is_due(progress())) return;
  update_header();
  progress_log_.log(progress());
}

Result<void> Capture::write_group(const BulkGroup& group) {
  if (pages_left(group) == 0 || pulse_.is_over()) return {};
  group_start_ = {count(frames_.stored()), writer_.bytes_stored()};
  auto chunk = survey_.next_chunk(0);
  if (fits(group)) {
    TRY(enter(group.whole));
    for (; chunk && pulse_.beat(); chunk = survey_.next_chunk(*chunk + 1)) {
      if (!selection_.has_work(group.whole, *chunk)) continue;
      const auto selected = selection_.select(group.whole, *chunk);
      const auto pages = std::count(selected.pages.begin(), selected.pages.end(), true);
      const ByteCount most = size_max(static_cast<PageCount>(pages), 2 * writer_.threads());
      if (!fits(group) || most > writer_.space_left()) break;
      TRY(write_selected(*chunk, selected));
    }
    TRY(frames_.finish_frame());
  }
  if (!chunk || pulse_.is_over()) return {};
  for (const Phase phase : group.by_class) TRY(write_pages(phase, *chunk));
  return {};
}

PageCount Capture::pages_left(PageClass page_class) const {
  const auto index = static_cast<std::size_t>(page_class);
  const PageTally& stored = frames_.stored();
  const PageCount done = stored.data[index] + stored.zero[index] + stored.unreadable[index];
  return selection_.kept(index) > done ? selection_.kept(index) - done : 0;
}

PageCount Capture::pages_left(const BulkGroup& group) const {
  PageCount count = 0;
  for (std::size_t i = 0; i < kPageClassCount; ++i) {
    const auto page_class = static_cast<PageClass>(i);
    if (stores_class(group.whole, page_class)) count += pages_left(page_class);
  }
  return count;
}

bool Capture::fits(const BulkGroup& group) const {
  SpaceEstimate estimate;
  for (std::size_t i = 0; i < kPageClassCount; ++i) {
    estimate.pages_left[i] = pages_left(static_cast<PageClass>(i));
  }
  // Pages of the group itself say most about the rest of it.
  const PageCount pages = count(frames_.stored());
  const bool knows_group = pages >= group_start_.pages + kGroupSampleMin;
  estimate.pages_stored = knows_group ? pages - group_start_.pages : pages;
  estimate.bytes_stored = writer_.bytes_stored() - (knows_group ? group_start_.bytes : 0);
  estimate.space_left = writer_.space_left();
  return will_fit(estimate, group);
}

Result<void> Capture::note_progress(std::uint64_t chunk) {
  RegionHeader& header = writer_.header();
  header.pfns_done = std::min<std::uint64_t>((chunk + 1) * kChunkPfns, header.pfns_total);
  update_header();
  const std::uint64_t now_ms = clock_.now_ms();
  if (now_ms - header_flushed_ms_ < kHeaderIntervalMs) return {};
  header_flushed_ms_ = now_ms;
  return writer_.flush();
}

Result<void> Capture::write_pages_again(Phase phase, Pfn first, Pfn last) {
  TRY(frames_.begin_phase(phase));
  for (auto chunk = survey_.next_chunk(chunk_of(first)); chunk && *chunk <= chunk_of(last);
       chunk = survey_.next_chunk(*chunk + 1)) {
    if (!selection_.has_work(phase, *chunk)) continue;
    const auto selected = selection_.select(phase, *chunk);
    selection_.restrict_to(*chunk, first, last + 1);
    TRY(copier_.copy(*chunk * kChunkPfns, selected.classes, selected.pages));
  }
  TRY(frames_.finish_frame());
  return {};
}

Result<void> Capture::make_again(const FrameOrigin& origin) {
  switch (origin.type) {
    case FrameType::blob: {
      blobs_.only_piece_at(origin.first);
      auto written = write_blob(static_cast<BlobKind>(origin.detail));
      blobs_.only_piece_at({});
      return written;
    }
    case FrameType::class_map:
      return write_class_map(chunk_of(origin.first));
    case FrameType::pages:
      return write_pages_again(static_cast<Phase>(origin.detail), origin.first, origin.last);
    case FrameType::end:
      return write_end();
  }
  return {};
}

void Capture::update_header() {
  RegionHeader& header = writer_.header();
  PageCount data = 0;
  PageCount zero = 0;
  PageCount pages = 0;
  PageCount kept = 0;
  for (std::size_t i = 0; i < kPageClassCount; ++i) {
    data += frames_.stored().data[i];
    zero += frames_.stored().zero[i];
    if (i == static_cast<std::size_t>(PageClass::absent)) continue;
    pages += selection_.pages(i);
    kept += selection_.kept(i);
  }
  header.pages_data = data;
  header.pages_zero = zero;
  header.pages_excluded = pages - kept;
  header.pages_lost = kept > data + zero ? kept - data - zero : 0;
  header.bytes_raw = data * kPageSize;
  header.elapsed_ms = stopwatch_.elapsed_ms();
}

void Capture::fill(CaptureReport& report) {
  report.header = writer_.header();
  report.threads = writer_.threads();
  report.used_read = memory_.uses_read();
  for (std::size_t i = 0; i < kPageClassCount; ++i) {
    ClassTotals& totals = report.classes[i];
    const PageCount stored = frames_.stored().data[i] + frames_.stored().zero[i];
    totals.pages = selection_.pages(i);
    totals.kept = selection_.kept(i);
    totals.stored_data = frames_.stored().data[i];
    totals.stored_zero = frames_.stored().zero[i];
    totals.lost = totals.kept > stored ? totals.kept - stored : 0;
  }
  PageCount unreadable = 0;
  for (const PageCount count : frames_.stored().unreadable) unreadable += count;
  report.completeness = writer_.is_full()                      ? Completeness::region_full
                        : is_cut_                              ? Completeness::deadline
                        : report.header.frames_unrepaired != 0 ? Completeness::damaged
                        : unreadable > 0                       ? Completeness::unreadable
                                                               : Completeness::complete;
}

Result<void> Capture::write_end() {
  std::byte payload[sizeof(EndPrefix) + sizeof(end_report_.classes)];
  EndPrefix prefix{};
  prefix.completeness = static_cast<std::uint32_t>(end_report_.completeness);
  prefix.class_count = kPageClassCount;
  prefix.frame_count = end_report_.header.frame_count;
  prefix.elapsed_ms = end_report_.header.elapsed_ms;
  std::memcpy(payload, &prefix, sizeof(prefix));
  std::memcpy(payload + sizeof(prefix), end_report_.classes, sizeof(end_report_.classes));
  TRY(writer_.append({.type = FrameType::end}, payload));
  return {};
}

Result<void> Capture::finish() {
  is_cut_ = pulse_.is_over();
  TRY(enter(Phase::read_back));
  TRY(repair_frames(writer_, *this));
  update_header();
  fill(end_report_);
  TRY(write_end());

  RegionHeader& header = writer_.header();
  if (end_report_.completeness == Completeness::region_full) {
    header.error_code = static_cast<std::uint32_t>(ErrorCode::no_space);
  } else if (end_report_.completeness == Completeness::deadline) {
    header.error_code = static_cast<std::uint32_t>(ErrorCode::timed_out);
  }
  // The frames first: a header that says `complete` must never stand before them.
  TRY(writer_.flush());
  const bool is_complete = end_report_.completeness == Completeness::complete;
  header.phase = static_cast<std::uint32_t>(Phase::finished);
  header.state = static_cast<std::uint32_t>(is_complete ? State::complete : State::partial);
  return write_checked_header(writer_, *this);
}

void Capture::record_failure(const Error& error) {
  update_header();
  put_failure(writer_.header(), "capture", error);
  if (writer_.flush().has_value()) return;
  if (const auto written = writer_.write_header_only(); !written.has_value())
    log_error("header not updated", written.error());
}

void Capture::record_crash(const Error& error) {
  const auto state = writer_.header().state;
  put_failure(writer_.header(), phase_name(phase_), error);
  writer_.header().state = state;  // `writing`: nobody closed this dump
  if (const auto written = writer_.write_header_only(); !written.has_value())
    log_error("header not updated", written.error());
}

StaticStorage<VmcoreElf> elf_storage;
StaticStorage<CrashedKernel> kernel_storage;
StaticStorage<VmcoreMemory> memory_storage;
StaticStorage<Capture> capture_storage;

// Reads what everything else needs; `memory` is there when it succeeds.
Result<void> understand_vmcore(const FileDevice& vmcore, VmcoreMemory::Access access, VmcoreElf& elf,
                               VmcoreMemory*& memory, CrashedKernel& kernel) {
  TRY(read_vmcore_elf(vmcore, elf));
  memory = &memory_storage.make(vmcore, elf.memory, access);
  return read_crashed_kernel(vmcore, elf, *memory, kernel);
}

}  // namespace

Result<void> capture_vmcore(const FileDevice& vmcore, Device& region, const RegionHeader& header,
                            const CaptureRequest& request, CaptureReport& report) {
  VmcoreElf& elf = elf_storage.make();
  VmcoreMemory* memory = nullptr;
  CrashedKernel& kernel = kernel_storage.make();
  if (const auto understood = understand_vmcore(vmcore, request.access, elf, memory, kernel);
      !understood.has_value()) {
    if (auto left = record_failed_start(region, header, "vmcore", understood.error()); !left.has_value())
      log_error("region", left.error());
    return understood.error();
  }

  Capture& capture = capture_storage.make(vmcore, region, elf, kernel, *memory, request);
  const auto done = capture.run(header);
  if (!done.has_value()) capture.record_failure(done.error());
  running_capture = nullptr;
  capture.end_helpers();
  capture.fill(report);
  if (!done.has_value()) {
    report.completeness = Completeness::failed;
    return done.error();
  }
  return {};
}

void record_crash(const Error& error) {
  if (running_capture != nullptr) running_capture->record_crash(error);
}

}  // namespace warmdump
