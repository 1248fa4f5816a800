#include "selftest/retention/retention_test.h"

#include <fmt/format.h>
#include <sys/random.h>

#include <cerrno>
#include <nlohmann/json.hpp>

#include "common/dump_format/dump_state.h"
#include "common/file_device.h"
#include "recover/region/wipe.h"
#include "selftest/machine_facts.h"

namespace warmdump {
namespace {

using dump_format::State;

Outcome<std::uint64_t> random_seed() {
  std::uint64_t seed = 0;
  if (::getrandom(&seed, sizeof seed, 0) != sizeof seed) return Failure::system("no random numbers", errno);
  return seed;
}

RetentionProgress progress_of(RecoverEvents& events, const char* what) {
  return [&events, what](ByteCount done, ByteCount total) { events.progress(what, done, total); };
}

// The raw disk of a region, open. FileDevice cannot be moved, hence filled in place.
Outcome<void> open_region(PmemRegions& regions, const PmemRegion& region, FileDevice& device) {
  const auto path = TRY(in_context("cannot open " + region.name, regions.open_raw(region)));
  return in_context("cannot use " + path.string(),
                    device.open(path.c_str(), FileDevice::Access::read_write_direct));
}

// Before anything is overwritten: this is our region, and no dump is on it.
Outcome<void> require_no_dump(const Device& region) {
  const auto header = read_region_header(region);
  if (!header) {
    return Failure(
        ErrorCode::refused,
        Failure(header.error()).message + ": the region is not prepared; run `warmdump recover --no-return`");
  }
  const auto state = static_cast<State>(static_cast<std::uint32_t>(header->state));
  if (state == State::empty || state == State::cleared) return {};
  return Failure(ErrorCode::busy, "a dump waits in the region: run `warmdump recover` first");
}

// The pattern is in the region, and was read back, when this returns.
Outcome<void> write_and_verify(Device& region, std::uint64_t seed, RecoverEvents& events) {
  TRY(write_retention_pattern(region, seed, progress_of(events, "writing the pattern")));
  const auto findings =
      TRY(scan_retention_pattern(region, seed, progress_of(events, "verifying the pattern")));
  if (findings.verdict() == RetentionVerdict::retained) return {};
  return Failure(ErrorCode::corrupt,
                 fmt::format("memory does not keep what was written to it, from {:#x} to {:#x} of "
                             "the region, without any reset",
                             findings.first_damage, findings.damage_end));
}

Outcome<void> write_stage(RetentionRecord& record, const PmemRegion& where, Device& region,
                          const MachineFiles& files, const StateDirectory& state, RecoverEvents& events) {
  TRY(write_and_verify(region, record.seed, events));
  record.stage = RetentionStage::written;
  record.written_at = utc_now_text();
  record.written_boot_id = boot_id(files);
  record.region_start = where.start;
  record.region_size = region.size();
  record.machine = gather_machine_facts(files);
  record.reset = gather_reset_facts(files);
  return store_retention_record(state, record);
}

// One step of a test that is under way, on a region that recovery has just left raw and without a dump,
// unless it was memory already.
class DueStep {
 public:
  DueStep(RetentionRecord record, const Recovery& recovery, PmemRegions& regions, const MachineFiles& files,
          const StateDirectory& state, RecoverEvents& events)
      : record_(std::move(record)),
        recovery_(recovery),
        regions_(regions),
        files_(files),
        state_(state),
        events_(events) {}

  RetentionStep run() {
    auto done = record_.stage == RetentionStage::written ? judge()
                : recovery_.dump                         ? write()
                                                         : Outcome<void>();  // memory already: the next boot
    if (!done) step_.failure = std::move(done.error());
    return std::move(step_);
  }

 private:
  Outcome<PmemRegion> find() { return choose_region(TRY(regions_.find()), recovery_.region); }

  Outcome<void> write() {
    const PmemRegion where = TRY(find());
    FileDevice region;
    TRY(open_region(regions_, where, region));
    TRY(require_no_dump(region));
    events_.step("retention test: writing its pattern into the region");
    TRY(write_stage(record_, where, region, files_, state_, events_));
    step_.written = record_;
    return {};
  }

  Outcome<void> judge() {
    if (record_.written_boot_id == boot_id(files_)) {
      step_.written = record_;
      step_.written_before = true;
      return {};
    }
    RetentionResult result;
    result.test = record_;
    result.finished_at = utc_now_text();
    auto scanned = scan(result);
    if (!scanned) result.spoiled = scanned.error().message;
    TRY(finish(std::move(result)));
    return recovery_.dump ? wipe() : Outcome<void>();
  }

  // Whatever comes of it, the test is over: it must not be tried at every boot.
  Outcome<void> finish(RetentionResult result) {
    auto removed = state_.remove(kRetentionFile);
    auto stored = state_.store_result("retention", as_json(result));
    step_.result = std::move(result);
    TRY(std::move(removed));
    return stored;
  }

  Outcome<void> scan(RetentionResult& result) {
    const PmemRegion where = TRY(find());
    if (!recovery_.dump) {
      return Failure(ErrorCode::invalid, "the region was given back to the system before it was looked at");
    }
    if (where.start != record_.region_start || where.size != record_.region_size) {
      return Failure(ErrorCode::invalid, "the region was moved or resized since the pattern was written");
    }
    if (recovery_.dump->outcome != DumpOutcome::none) {
      return Failure(ErrorCode::invalid, "the system crashed, and its dump overwrote the pattern");
    }
    result.is_header_retained = !recovery_.dump->formatted;
    FileDevice region;
    TRY(open_region(regions_, where, region));
    events_.step("retention test: comparing the region with the pattern");
    result.findings = TRY(scan_retention_pattern(region, record_.seed, progress_of(events_, "comparing")));
    return {};
  }

  // As after a dump: nothing that was in the region goes to programs.
  Outcome<void> wipe() {
    const PmemRegion where = TRY(find());
    FileDevice region;
    TRY(open_region(regions_, where, region));
    TRY(wipe_region(region, [&](const char* what, ByteCount done, ByteCount total) {
      events_.progress(what, done, total);
    }));
    return {};
  }

  RetentionRecord record_;
  const Recovery& recovery_;
  PmemRegions& regions_;
  const MachineFiles& files_;
  const StateDirectory& state_;
  RecoverEvents& events_;
  RetentionStep step_;
};

// Whether the region that is recovered is the one of the test.
bool is_of_test(const RetentionRecord& record, const RecoverRequest& request) {
  return !is_plain_file_or_disk(request.region) &&
         (record.region.empty() || request.region.empty() || record.region == request.region);
}

Outcome<RecoveryWithTest> without_test(const RecoverRequest& request, PmemRegions& regions,
                                       DumpExtractor& extractor, RecoverEvents& events,
                                       std::optional<RetentionStep> step) {
  return RecoveryWithTest{TRY(recover_machine(request, regions, extractor, events)), std::move(step)};
}

}  // namespace

Outcome<RetentionRecord> begin_retention_test(const std::string& region, bool is_automatic,
                                              PmemRegions& regions, const MachineFiles& files,
                                              const StateDirectory& state, RecoverEvents& events) {
  if (TRY(load_retention_record(state)))
    return Failure(ErrorCode::busy, "a retention test is under way already");
  const PmemRegion where = TRY(choose_region(TRY(regions.find()), region));
  RetentionRecord record;
  record.seed = TRY(random_seed());
  record.is_automatic = is_automatic;
  record.region = region;
  record.requested_at = utc_now_text();
  record.requested_boot_id = boot_id(files);
  if (where.shape == RegionShape::system_ram) {
    TRY(store_retention_record(state, record));
    return record;
  }
  FileDevice device;
  TRY(open_region(regions, where, device));
  TRY(require_no_dump(device));
  events.step(fmt::format("{}: writing the pattern", where.name));
  TRY(write_stage(record, where, device, files, state, events));
  return record;
}

Outcome<void> note_reset(const MachineFiles& files, const StateDirectory& state) {
  auto record = TRY(load_retention_record(state));
  if (!record || record->stage != RetentionStage::written) return {};
  record->reset = gather_reset_facts(files);
  return store_retention_record(state, *record);
}

Outcome<RecoveryWithTest> recover_with_retention_test(const RecoverRequest& request, PmemRegions& regions,
                                                      DumpExtractor& extractor, const MachineFiles& files,
                                                      const StateDirectory& state, RecoverEvents& events) {
  auto record = load_retention_record(state);
  if (!record) {
    RetentionStep step;
    step.failure = std::move(record.error());
    return without_test(request, regions, extractor, events, std::move(step));
  }
  if (!*record || !is_of_test(**record, request)) {
    return without_test(request, regions, extractor, events, std::nullopt);
  }

  RecoverRequest raw = request;
  raw.return_to_system = false;
  Recovery recovery = TRY(recover_machine(raw, regions, extractor, events));
  // Its memory is not the test's to write on.
  if (recovery.dump && recovery.dump->outcome == DumpOutcome::left_alone) {
    return RecoveryWithTest{std::move(recovery), std::nullopt};
  }
  RetentionStep step = DueStep(**record, recovery, regions, files, state, events).run();
  const bool is_memory = !recovery.dump;
  if (!is_memory && (step.written || !request.return_to_system)) {
    return RecoveryWithTest{std::move(recovery), std::move(step)};
  }

  // The dump's report is the first run's; the second one finds none.
  Recovery returned = TRY(recover_machine(request, regions, extractor, events));
  recovery.returned = std::move(returned.returned);
  recovery.return_failure = std::move(returned.return_failure);
  return RecoveryWithTest{std::move(recovery), std::move(step)};
}

}  // namespace warmdump
