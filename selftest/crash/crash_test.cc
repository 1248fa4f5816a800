#include "selftest/crash/crash_test.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "common/hosted/unique_fd.h"
#include "common/hosted/whole_file.h"
#include "recover/report/dump_directory.h"
#include "selftest/machine_facts.h"

namespace warmdump {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kCrashLoaded = "/sys/kernel/kexec_crash_loaded";
constexpr const char* kSysrqTrigger = "/proc/sysrq-trigger";
constexpr std::chrono::seconds kPanicTimeMax{10};

Outcome<std::string> random_id() {
  std::uint64_t value = 0;
  if (::getrandom(&value, sizeof value, 0) != sizeof value)
    return Failure::system("no random numbers", errno);
  return fmt::format("{:016x}", value);
}

Outcome<void> store(const StateDirectory& state, const CrashRecord& record) {
  return state.store(kCrashTestFile, Json{{"id", record.id},
                                          {"boot_id", record.boot_id},
                                          {"crashed_at", record.crashed_at},
                                          {"machine", record.machine}});
}

Outcome<void> require_crash_kernel(const MachineFiles& files) {
  if (files.line_or_empty(kCrashLoaded) == "1") return {};
  return Failure(ErrorCode::refused,
                 "no crash kernel is loaded: a panic now would only stop the machine; see `warmdump arm`");
}

Outcome<void> check_and_panic(CrashRecord& record, const MachineFiles& files, const StateDirectory& state,
                              const CrashActions& actions) {
  TRY(require_crash_kernel(files));
  TRY(actions.check());
  record.crashed_at = utc_now_text();
  TRY(store(state, record));
  return actions.panic();
}

CrashResult new_result(const CrashRecord& record) {
  CrashResult result;
  result.id = record.id;
  result.crashed_at = record.crashed_at;
  result.finished_at = utc_now_text();
  result.machine = record.machine;
  return result;
}

std::string fact_of(const DumpSummary& summary, const char* name) {
  const auto fact = summary.capture_info.find(name);
  return fact == summary.capture_info.end() ? "" : fact->second;
}

bool is_of_test(const DumpSummary& summary, const CrashRecord& record) {
  if (!summary.encrypted) return fact_of(summary, kTestIdFact) == record.id;
  // The id is among what only the fleet's key shows. But a boot crashes once, the dump tells in which it was
  // made, and the seal that this is true. No time is compared: the crash kernel's clock may be another.
  return fact_of(summary, "boot_id") == record.boot_id &&
         summary.authenticity == authenticity_name(Authenticity::sealed);
}

std::string why_another(const DumpSummary& summary) {
  if (summary.encrypted) {
    return fmt::format("a dump came back, encrypted, of another crash: boot {}",
                       fact_of(summary, "boot_id").empty() ? "unknown" : fact_of(summary, "boot_id"));
  }
  const std::string id = fact_of(summary, kTestIdFact);
  return id.empty() ? "a dump came back that has no test id: its crash image was not the test's"
                    : "a dump came back that has the test id " + id;
}

void take_dump(CrashResult& result, const std::filesystem::path& directory, const DumpSummary& summary) {
  result.directory = directory;
  result.verdict = summary.complete ? CrashVerdict::found_complete : CrashVerdict::found_partial;
  result.text = summary.completeness;
}

Outcome<void> judge_dump(CrashResult& result, const CrashRecord& record,
                         const std::filesystem::path& directory) {
  const DumpSummary summary = TRY(read_dump_directory(directory));
  if (is_of_test(summary, record)) {
    take_dump(result, directory, summary);
    return {};
  }
  result.directory = directory;
  result.verdict = CrashVerdict::another_dump;
  result.text = why_another(summary);
  return {};
}

// Why there is no dump, as far as the region knows.
std::string why_no_dump(const RegionRecovery& recovery) {
  if (recovery.outcome == DumpOutcome::nothing_stored) {
    if (!recovery.header) return "the capture died before it stored anything";
    const RegionSummary region = summarize_region(*recovery.header);
    if (!region.error_text.empty()) {
      return fmt::format("the crash kernel ran, but nothing could be captured: {} ({})", region.error_text,
                         region.error);
    }
    return fmt::format("the capture died (phase: {}) before it stored anything", region.phase);
  }
  if (recovery.outcome == DumpOutcome::refused)
    return fmt::format("what lay on the region was refused: {}", refusal_text(recovery.refusal));
  if (recovery.outcome == DumpOutcome::left_alone)
    return "a dump lies on the region, and no record of an armed boot is there to judge it by";
  if (recovery.formatted) {
    return "the region has lost its header: its memory did not survive the reset; `warmdump selftest "
           "--retention` tells "
           "more";
  }
  return "the region is as it was before: the capture never wrote to it; its crash kernel did not come up, "
         "or did not find "
         "it";
}

Outcome<void> finish(const CrashResult& result, const StateDirectory& state) {
  TRY(state.store_result("crash", as_json(result)));
  return state.remove(kCrashTestFile);
}

}  // namespace

Outcome<std::optional<CrashRecord>> load_crash_record(const StateDirectory& state) {
  const auto json = TRY(state.load(kCrashTestFile));
  if (!json) return std::optional<CrashRecord>();
  try {
    CrashRecord record;
    json->at("id").get_to(record.id);
    json->at("boot_id").get_to(record.boot_id);
    json->at("crashed_at").get_to(record.crashed_at);
    json->at("machine").get_to(record.machine);
    return std::optional(std::move(record));
  } catch (const Json::exception& error) {
    return Failure(ErrorCode::corrupt,
                   state.path_of(kCrashTestFile) + " is damaged; remove it (" + error.what() + ")");
  }
}

Outcome<void> crash_on_purpose(const MachineFiles& files, const StateDirectory& state,
                               const CrashActions& actions) {
  TRY(actions.consent());
  CrashRecord record;
  record.id = TRY(random_id());
  record.boot_id = boot_id(files);
  record.machine = gather_machine_facts(files);
  TRY(in_context("cannot arm for the test", actions.arm(record.id)));
  auto panicked = check_and_panic(record, files, state, actions);
  TRY(state.remove(kCrashTestFile));
  TRY(in_context("cannot arm without the test's id again", actions.arm("")));
  if (!panicked) return panicked;
  return Failure(ErrorCode::io, "the kernel did not panic");
}

Outcome<void> panic_by_sysrq() {
  const UniqueFd trigger(::open(kSysrqTrigger, O_WRONLY | O_CLOEXEC));
  if (!trigger.valid()) return Failure::system(fmt::format("cannot open {}", kSysrqTrigger), errno);
  ::sync();
  TRY(write_all(trigger.get(), "c", kSysrqTrigger));
  std::this_thread::sleep_for(kPanicTimeMax);
  return Failure(ErrorCode::io, "the kernel was asked for a panic, and goes on");
}

Outcome<std::optional<CrashResult>> judge_crash_test(const Recovery& recovery, const MachineFiles& files,
                                                     const StateDirectory& state) {
  const auto record = TRY(load_crash_record(state));
  if (!record || !recovery.dump || record->boot_id == boot_id(files)) return std::optional<CrashResult>();
  CrashResult result = new_result(*record);
  if (recovery.dump->directory.empty()) {
    result.text = why_no_dump(*recovery.dump);
  } else {
    TRY(judge_dump(result, *record, recovery.dump->directory));
  }
  TRY(finish(result, state));
  return std::optional(std::move(result));
}

Outcome<std::optional<CrashResult>> find_crash_dump(const std::filesystem::path& spool,
                                                    const MachineFiles& files, const StateDirectory& state) {
  const auto record = TRY(load_crash_record(state));
  if (!record || record->boot_id == boot_id(files)) return std::optional<CrashResult>();
  std::error_code error;
  for (std::filesystem::directory_iterator entry(spool, error), end; !error && entry != end;
       entry.increment(error)) {
    const auto summary = read_dump_directory(entry->path());
    if (!summary || !is_of_test(*summary, *record)) continue;
    CrashResult result = new_result(*record);
    take_dump(result, entry->path(), *summary);
    TRY(finish(result, state));
    return std::optional(std::move(result));
  }
  return std::optional<CrashResult>();
}

}  // namespace warmdump
