// From all that is known of the last boot to its outcome. Pure.

#pragma once

#include <optional>
#include <string>

#include "common/hosted/failure.h"
#include "recover/outcome/boot_evidence.h"
#include "recover/outcome/boot_outcome.h"
#include "recover/outcome/boot_record.h"
#include "recover/recover_machine.h"
#include "recover/spool/saved_dumps.h"

namespace warmdump {

struct OutcomeFacts {
  std::string time;  // UTC
  BootRecord record;
  std::optional<bool> was_armed;  // the boot before; nothing: unknown
  BootEvidence evidence;
  const Outcome<Recovery>* recovery = nullptr;  // never null
  bool has_no_region = false;                   // this machine has none: why `recovery` failed
  std::optional<SavedDump> dump;                // what lies in the directory that `recovery` names
  std::optional<std::uint64_t> dump_uptime_s;   // of the kernel in it when it crashed
};

// The crash loop is not told of.
BootOutcome judge_boot(const OutcomeFacts& facts);

// Whether `later`, of the same boot, tells more than `earlier`; and both in one.
bool tells_more(const BootOutcome& later, const BootOutcome& earlier);
BootOutcome merged(const BootOutcome& later, const BootOutcome& earlier);

}  // namespace warmdump
