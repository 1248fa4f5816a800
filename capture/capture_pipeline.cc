#include "capture/capture_pipeline.h"

#include <algorithm>
#include <cstring>

#include "capture/crashed_machine/printk_ring.h"
#include "capture/crashed_machine/vmcore_memory.h"
#include "capture/pages/page_copier.h"
#include "capture/pages/page_selection.h"
#include "capture/pages/page_survey.h"
#include "capture/support/progress_log.h"
#include "capture/support/raw_log.h"
#include "capture/support/static_storage.h"
#include "capture/writer/blob_frames.h"
#include "capture/writer/dump_writer.h"
#include "capture/writer/page_frames.h"
#include "common/dump_format/dump_state.h"
#include "common/stopwatch.h"

namespace warmdump {
namespace {

using namespace dump_format;

class Capture {
 public:
  Capture(const FileDevice& vmcore, Device& region, const VmcoreElf& elf, CrashedKernel& kernel,
          VmcoreMemory& memory, const CaptureRequest& request)
      : elf_(elf),
        kernel_(kernel),
        memory_(memory),
        request_(request),
        writer_(region),
        blobs_(writer_, vmcore),
        frames_(writer_),
        survey_(elf, kernel, memory, request.region),
        selection_(survey_, request.dump_level),
        copier_(elf.memory, memory, frames_) {}

  Result<void> run(const RegionHeader& header);
  void fill(CaptureReport& report);
  // Leaves what ended the capture in the header, as far as the region still takes it.
  void record_failure(const Error& error);

 private:
  Result<void> enter(Phase phase);
  Result<void> write_notes();
  Result<void> write_pages(Phase phase);
  Result<void> finish();
  void update_header();

  const VmcoreElf& elf_;
  CrashedKernel& kernel_;
  VmcoreMemory& memory_;
  const CaptureRequest& request_;
  Stopwatch stopwatch_;
  DumpWriter writer_;
  BlobFrames blobs_;
  PageFrames frames_;
  PageSurvey survey_;
  PageSelection selection_;
  PageCopier copier_;
  ProgressLog progress_;
};

Result<void> Capture::run(const RegionHeader& header) {
  RegionHeader first = header;
  first.pfns_total = elf_.memory.end() / kPageSize;
  first.dump_level = request_.dump_level;
  first.crash_time_s = kernel_.info.decimal("CRASHTIME").value_or(0);
  TRY(writer_.begin(first));
  TRY(enter(Phase::notes));
  TRY(write_notes());
  survey_.locate_tables();
  for (const Phase phase : {Phase::kernel_image, Phase::kernel_pages, Phase::struct_pages}) {
    TRY(enter(phase));
    TRY(write_pages(phase));
  }
  TRY(enter(Phase::device_dumps));
  TRY(blobs_.add_notes(elf_, true));
  if (selection_.keeps_user_pages()) {
    TRY(enter(Phase::user_pages));
    TRY(write_pages(Phase::user_pages));
  }
  return finish();
}

Result<void> Capture::enter(Phase phase) {
  writer_.header().phase = static_cast<std::uint32_t>(phase);
  progress_.begin_phase(phase_name(phase), elf_.memory.end() / kPageSize);
  update_header();
  return writer_.flush();
}

Result<void> Capture::write_notes() {
  TRY(blobs_.add_text(BlobKind::capture_info, request_.info));
  TRY(blobs_.add_file_range(BlobKind::elf_headers, 0, elf_.headers_size));
  TRY(blobs_.add_text(BlobKind::vmcoreinfo, kernel_.info.whole_text()));
  TRY(blobs_.add_notes(elf_, false));
  const auto ring = find_printk_ring(kernel_.info, *kernel_.page_tables);
  if (!ring.has_value()) {
    log_error("no kernel log", ring.error());
    return {};
  }
  for (const PrintkRing::Piece& piece : ring->pieces) {
    TRY(blobs_.add_memory(piece.kind, *kernel_.page_tables, piece.address, piece.size));
  }
  return {};
}

Result<void> Capture::write_pages(Phase phase) {
  for (auto chunk = survey_.next_chunk(0); chunk; chunk = survey_.next_chunk(*chunk + 1)) {
    if (!selection_.has_work(phase, *chunk)) continue;
    const auto classes = survey_.classify(*chunk);
    const Pfn first = *chunk * kChunkPfns;
    // The one phase that sees every chunk counts them all, even when nothing fits any more.
    if (phase == Phase::kernel_pages)
      TRY(writer_.append(FrameType::class_map, selection_.class_map(first, classes)));
    if (!writer_.is_full()) TRY(copier_.copy(first, classes, selection_.select(phase, first, classes)));
    progress_.update(first + kChunkPfns, writer_.header().bytes_stored);
    writer_.header().pfns_done = first + kChunkPfns;
    update_header();
  }
  TRY(frames_.finish_frame());
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
  report.completeness = writer_.is_full() ? Completeness::region_full
                        : unreadable > 0  ? Completeness::unreadable
                                          : Completeness::complete;
}

Result<void> Capture::finish() {
  CaptureReport report;
  fill(report);
  std::byte payload[sizeof(EndPrefix) + sizeof(report.classes)];
  EndPrefix prefix{};
  prefix.completeness = static_cast<std::uint32_t>(report.completeness);
  prefix.class_count = kPageClassCount;
  prefix.frame_count = writer_.frame_count();
  prefix.elapsed_ms = stopwatch_.elapsed_ms();
  std::memcpy(payload, &prefix, sizeof(prefix));
  std::memcpy(payload + sizeof(prefix), report.classes, sizeof(report.classes));
  TRY(writer_.append(FrameType::end, payload));

  const bool is_complete = report.completeness == Completeness::complete;
  RegionHeader& header = writer_.header();
  update_header();
  if (report.completeness == Completeness::region_full) {
    header.error_code = static_cast<std::uint32_t>(ErrorCode::no_space);
  }
  // The frames first: a header that says `complete` must never stand before them.
  TRY(writer_.flush());
  header.phase = static_cast<std::uint32_t>(Phase::finished);
  header.state = static_cast<std::uint32_t>(is_complete ? State::complete : State::partial);
  return writer_.flush();
}

void Capture::record_failure(const Error& error) {
  RegionHeader& header = writer_.header();
  update_header();
  header.state = static_cast<std::uint32_t>(State::partial);
  header.error_code = static_cast<std::uint32_t>(error.code);
  header.system_errno = static_cast<std::uint32_t>(error.system_errno);
  if (const auto flushed = writer_.flush(); !flushed.has_value())
    log_error("header not updated", flushed.error());
}

StaticStorage<VmcoreElf> elf_storage;
StaticStorage<CrashedKernel> kernel_storage;
StaticStorage<VmcoreMemory> memory_storage;
StaticStorage<Capture> capture_storage;

}  // namespace

Result<void> capture_vmcore(const FileDevice& vmcore, Device& region, const RegionHeader& header,
                            const CaptureRequest& request, CaptureReport& report) {
  VmcoreElf& elf = elf_storage.make();
  TRY(read_vmcore_elf(vmcore, elf));
  VmcoreMemory& memory = memory_storage.make(vmcore, elf.memory, request.access);
  CrashedKernel& kernel = kernel_storage.make();
  TRY(read_crashed_kernel(vmcore, elf, memory, kernel));

  Capture& capture = capture_storage.make(vmcore, region, elf, kernel, memory, request);
  const auto done = capture.run(header);
  if (!done.has_value()) capture.record_failure(done.error());
  capture.fill(report);
  if (!done.has_value()) {
    report.completeness = Completeness::failed;
    return done.error();
  }
  return {};
}

}  // namespace warmdump
