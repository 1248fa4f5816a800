// BootReport: the frame around a recovery that leaves the outcome of the boot: the record of the running boot
// before it, the line in outcomes.jsonl and a crash loop behind it.
//
// Nothing here can make a recovery fail: what cannot be written is a warning.

#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "recover/outcome/boot_evidence.h"
#include "recover/outcome/boot_outcome.h"
#include "recover/outcome/boot_record.h"
#include "recover/outcome/crash_loop.h"
#include "recover/recover_machine.h"

namespace warmdump {

inline constexpr const char* kOutcomesPath = "/var/lib/warmdump/outcomes.jsonl";
inline constexpr const char* kBootRecordPath = "/var/lib/warmdump/boot.json";

// `root` stands for the root of the file system, "" on a real machine; tests have a folder.
class BootReport {
 public:
  // Reads what there is, and records that this boot runs. `now_s`: since 1970.
  static BootReport begin(std::string root, std::uint64_t now_s);

  // Id of the first dump of a crash loop that stands, for RecoverRequest::kept_dump.
  std::string kept_dump() const;

  // Writes the line, if this boot has none yet that tells as much. `has_no_region`: why `recovery` failed.
  void finish(const Outcome<Recovery>& recovery, bool has_no_region, std::uint64_t total_ms,
              const CrashLoopLimits& limits);

  // Of this run, whether written or not; nothing before finish().
  const std::optional<BootOutcome>& outcome() const { return outcome_; }
  bool was_written() const { return was_written_; }
  const std::optional<CrashLoopRecord>& crash_loop() const { return crash_loop_; }
  const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  explicit BootReport(std::string root) : root_(std::move(root)) {}

  BootOutcome judge(const Outcome<Recovery>& recovery, bool has_no_region) const;
  void update_crash_loop(const std::vector<BootOutcome>& boots, const CrashLoopLimits& limits);
  void note_line();
  void warn(const std::string& doing, const Failure& failure);

  std::string root_;
  std::string time_;
  BootRecord record_;
  BootEvidence evidence_;
  std::optional<CrashLoopRecord> crash_loop_;
  std::optional<BootOutcome> outcome_;
  bool was_written_ = false;
  std::vector<std::string> warnings_;
};

// The id of the running boot; empty when the kernel does not tell.
std::string running_boot_id(const std::string& root);

// "2026-01-31T12:00:00Z".
std::string timestamp_text(std::uint64_t seconds);

}  // namespace warmdump
