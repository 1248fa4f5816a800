#include "capture/capture_pipeline.h"

#include <algorithm>

#include "capture/crashed_machine/vmcore_memory.h"
#include "capture/notes_writer.h"
#include "capture/page_phases.h"
#include "capture/support/free_memory.h"
#include "capture/support/progress_log.h"
#include "capture/support/raw_log.h"
#include "capture/support/static_storage.h"
#include "capture/writer/dump_writer.h"
#include "capture/writer/failure_record.h"
#include "capture/writer/frame_repair.h"
#include "common/dump_format/dump_state.h"
#include "common/stopwatch.h"

namespace warmdump {
namespace {

using namespace dump_format;

// A header older than this is written again, however little was stored meanwhile.
constexpr std::uint64_t kHeaderIntervalMs = 2000;

class Capture;
Capture* running_capture = nullptr;  // from its first write to the region to its end

class Capture final : public Heartbeat, public PhaseObserver, public FrameSource {
 public:
  Capture(const FileDevice& vmcore, Device& region, const VmcoreElf& elf, CrashedKernel& kernel,
          VmcoreMemory& memory, const CaptureRequest& request)
      : elf_(elf),
        kernel_(kernel),
        memory_(memory),
        request_(request),
        pulse_(request.deadline, this),
        writer_(region),
        notes_(writer_, vmcore, elf, kernel, request.info),
        pages_(vmcore, elf, kernel, memory, request, writer_, pulse_, *this) {}

  Result<void> run(const RegionHeader& header);
  void fill(CaptureReport& report);
  void end_helpers() { writer_.end_helpers(); }
  // Leaves what ended the capture in the header, as far as the region still takes it.
  void record_failure(const Error& error);
  void record_crash(const Error& error);

  void beat() override;

  Result<void> enter(Phase phase) override;
  Result<void> advance_to(Pfn end) override;

  Result<void> make_again(const FrameOrigin& origin) override;
  bool may_go_on() override { return pulse_.beat(); }

 private:
  Result<void> write_end();
  Result<void> finish();
  void update_header();
  Progress progress();

  const VmcoreElf& elf_;
  CrashedKernel& kernel_;
  VmcoreMemory& memory_;
  const CaptureRequest& request_;
  Stopwatch stopwatch_;
  MonotonicClock clock_;
  Pulse pulse_;
  DumpWriter writer_;
  NotesWriter notes_;
  PagePhases pages_;
  ProgressLog progress_log_{clock_, clock_.now_ms()};
  std::uint64_t header_flushed_ms_ = 0;
  Phase phase_ = Phase::start;
  CaptureReport end_report_;  // as in the end frame
  bool is_cut_ = false;       // by the deadline: pages were left out
};

Result<void> Capture::run(const RegionHeader& header) {
  RegionHeader first = header;
  first.pfns_total = elf_.memory.end() / kPageSize;
  first.dump_level = request_.dump_level;
  first.crash_time_s = kernel_.info.decimal("CRASHTIME").value_or(0);
  TRY(writer_.begin(first, request_.secret, request_.encryption));
  writer_.start_helpers(request_.threads);
  running_capture = this;
  TRY(enter(Phase::notes));
  TRY(notes_.write_all());
  TRY(pages_.write_priority_pages());
  TRY(pages_.write_kernel_pages());
  if (!pulse_.is_over()) {
    TRY(enter(Phase::device_dumps));
    TRY(notes_.write_device_dumps());
  }
  TRY(pages_.write_user_pages());
  return finish();
}

Result<void> Capture::enter(Phase phase) {
  phase_ = phase;
  TRY(pages_.begin_phase(phase));
  writer_.header().phase = static_cast<std::uint32_t>(phase);
  writer_.header().pfns_done = 0;
  update_header();
  return writer_.flush_stored();
}

Result<void> Capture::advance_to(Pfn end) {
  RegionHeader& header = writer_.header();
  header.pfns_done = std::min<std::uint64_t>(end, header.pfns_total);
  update_header();
  const std::uint64_t now_ms = clock_.now_ms();
  if (now_ms - header_flushed_ms_ < kHeaderIntervalMs) return {};
  header_flushed_ms_ = now_ms;
  return writer_.flush_stored();
}

Progress Capture::progress() {
  const PageTally& stored = pages_.stored();
  PageCount done = stored_pages(stored);
  PageCount total = 0;
  for (std::size_t i = 0; i < kPageClassCount; ++i) {
    done += stored.unreadable[i];
    total += pages_.is_surveyed() ? pages_.selection().kept(i) : 0;
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

Result<void> Capture::make_again(const FrameOrigin& origin) {
  switch (origin.type) {
    case FrameType::blob:
      return notes_.write_piece_again(static_cast<BlobKind>(origin.detail), origin.first);
    case FrameType::class_map:
      return pages_.write_class_map(chunk_of(origin.first));
    case FrameType::pages:
      return pages_.write_pages_again(static_cast<Phase>(origin.detail), origin.first, origin.last);
    case FrameType::end:
      return write_end();
  }
  return {};
}

void Capture::update_header() {
  count_pages(pages_.selection(), pages_.stored(), writer_.header());
  writer_.header().elapsed_ms = stopwatch_.elapsed_ms();
  if (request_.measures_memory) note_free_memory(writer_.header());
}

void Capture::fill(CaptureReport& report) {
  report.header = writer_.header();
  report.threads = writer_.threads();
  report.used_read = memory_.uses_read();
  count_classes(pages_.selection(), pages_.stored(), report);
  PageCount unreadable = 0;
  for (const PageCount count : pages_.stored().unreadable) unreadable += count;
  report.completeness = writer_.is_full()                      ? Completeness::region_full
                        : is_cut_                              ? Completeness::deadline
                        : report.header.frames_unrepaired != 0 ? Completeness::damaged
                        : unreadable > 0                       ? Completeness::unreadable
                                                               : Completeness::complete;
}

Result<void> Capture::write_end() {
  TRY(writer_.append({.type = FrameType::end}, end_payload(end_report_).bytes));
  return {};
}

Result<void> Capture::finish() {
  is_cut_ = pulse_.is_over();
  TRY(enter(Phase::read_back));
  TRY(writer_.flush());
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
    if (auto left = record_failed_start(region, header, request.secret, "vmcore", understood.error());
        !left.has_value())
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
