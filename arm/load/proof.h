// The proof that a crash kernel may be loaded which will write over the region: nothing that the kernel needs
// lies in it, the crash kernel gets the very same region, and it would know of all memory. `warmdump arm`
// refuses when a check fails; `warmdump status` shows them all.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "arm/machine/machine_files.h"
#include "arm/machine/memory_map.h"
#include "common/hosted/arm_record.h"
#include "common/hosted/failure.h"

namespace warmdump {

enum class Verdict {
  holds,
  fails,
  unknown,  // this kernel does not tell, or there is nothing to look at yet
};

struct ProofResult {
  std::string_view name;  // of the check, stable: "nothing-inside"
  Verdict verdict = Verdict::unknown;
  std::string seen;    // what the machine shows, with its place
  std::string wanted;  // what it should show
  std::string remedy;  // what to do; empty when it holds
};

// The machine as it is. Read once, so that all checks look at the same moment.
struct ProofFacts {
  // With the reason in place of what could not be read: ErrorCode::no_permission without root.
  Outcome<MemoryMap> map;
  std::string command_line;  // of the running kernel
  // find_active_region(): the region by the memory map and the command line.
  Outcome<AddressRange> region;
};
ProofFacts read_proof_facts(const MachineFiles& files, const std::optional<AddressRange>& wanted_region);

// What must hold before loading, in order. `crash_command_line` is that of the crash kernel, if it is known.
std::vector<ProofResult> prove_before_load(const MachineFiles& files, const ProofFacts& facts,
                                           const std::optional<std::string>& crash_command_line);

// What must hold from then on. `record` of this boot, if there is one.
std::vector<ProofResult> prove_loaded(const MachineFiles& files, const std::optional<ArmRecord>& record);

// The first result that fails, as an error; ErrorCode::refused.
Outcome<void> check_proof(const std::vector<ProofResult>& results);

}  // namespace warmdump
