#include "arm/status/check.h"

#include "arm/status/boot_checks.h"
#include "arm/status/crash_kernel_checks.h"
#include "arm/status/firmware_checks.h"
#include "arm/status/memory_checks.h"
#include "arm/status/region_checks.h"
#include "arm/status/system_checks.h"

namespace warmdump {
namespace {

constexpr auto kProof = nullptr;
using enum Topic;
using enum Weight;

// To add one: a judging function in the file of its topic (facts it needs in the topic's facts), a row here,
// a machine in tests/arm/status/check_test.cc that fails just that one, its line in
// docs/man/warmdump-status.8. A check of what must hold before loading belongs into arm/load/proof.cc
// instead, and here with kProof.
constexpr Check kChecks[] = {
    {"region", region, decisive, "", kProof},
    {"ready", region, decisive, "prepared for the capture, with no dump waiting", judge_ready},
    {"nothing-inside", region, decisive, "", kProof},
    {"unused", region, advisory, "", kProof},
    {"firmware", region, advisory, "", kProof},
    {"initrd", region, advisory, "", kProof},
    {"above-4g", region, advisory, "a region above 4 GiB", judge_height},
    {"alignment", region, advisory, "start at a memory block less 2 MiB, so that no more than 2 MiB are lost",
     judge_alignment},
    {"returnable", region, advisory, "at least one whole memory block in it", judge_returnable},
    {"node", region, advisory, "a NUMA node, which kmem needs", judge_node},
    {"use", region, advisory, "memory of the system, or a raw disk", judge_use},

    {"crash-loop", crash_kernel, advisory, "no crash loop, during which nothing is armed", judge_crash_loop},
    {"crash-memory", crash_kernel, decisive, "", kProof},
    {"loaded", crash_kernel, decisive, "", kProof},
    {"record", crash_kernel, decisive, "armed by warmdump in this boot, for this region", judge_record},
    {"same-region", crash_kernel, decisive, "", kProof},
    {"all-memory", crash_kernel, decisive, "", kProof},
    {"image-modules", crash_kernel, advisory, "every module that the crash kernel needs to reach the region",
     judge_image_modules},
    {"memory-need", crash_kernel, advisory, "crashkernel= large enough for this kernel and image",
     judge_memory_need},
    {"watchdog", crash_kernel, advisory, "no armed watchdog that the crash kernel does not feed",
     judge_watchdog},
    {"reload", crash_kernel, advisory, "a crash kernel that follows memory hotplug", judge_reload},
    {"modules-directory", crash_kernel, advisory, "modules of the running kernel, for arm and recover",
     judge_modules_directory},

    {"movable", memory, decisive, "", kProof},
    {"struct-pages", memory, advisory, "", kProof},
    {"auto-online", memory, advisory, "new memory offline or movable at first", judge_auto_online},
    {"udev-rules", memory, advisory, "no rule that brings memory online for the kernel", judge_udev_rules},

    {"address-randomization", boot, advisory, "four memmap= ranges at most", judge_address_randomization},
    {"memory-limits", boot, advisory, "no option that hides or limits memory", judge_memory_limits},
    {"boot-entries", boot, advisory, "the region in every boot entry", judge_boot_entries},
    {"boot-units", boot, advisory, "recover and arm started at boot", judge_boot_units},

    {"memory-overwrite", firmware, advisory, "no request that the firmware clear RAM",
     judge_memory_overwrite},
    {"memory-encryption", firmware, advisory, "no memory encryption with a new key at each reset",
     judge_memory_encryption},
    {"retention", firmware, advisory, "RAM that was seen to survive a reset", judge_retention},

    {"panic-on-oops", system, advisory, "an oops that panics, so that it leaves a dump", judge_oops},
    {"panic-notifiers", system, advisory, "nothing between the panic and the crash kernel",
     judge_panic_notifiers},
    {"crash-tools", system, advisory, "no other program that loads crash kernels", judge_crash_tools},
    {"spool-space", system, advisory, "room for the dump at the next boot", judge_spool_space},
};

// Where the machine has several regions, it is the one it was armed for, as long as that is there.
ProofFacts read_proof_of_armed(const MachineFiles& files, const std::optional<ArmRecord>& record) {
  if (record) {
    ProofFacts armed = read_proof_facts(files, AddressRange{record->region_start, record->region_size});
    if (armed.region.has_value() || armed.region.error().code != ErrorCode::not_found) return armed;
  }
  return read_proof_facts(files, std::nullopt);
}

}  // namespace

std::span<const Check> all_checks() {
  return kChecks;
}

std::string_view topic_title(Topic topic) {
  switch (topic) {
    case Topic::crash_kernel:
      return "Crash kernel";
    case Topic::region:
      return "Region";
    case Topic::memory:
      return "Memory of the region";
    case Topic::boot:
      return "Boot";
    case Topic::firmware:
      return "Firmware";
    case Topic::system:
      return "System";
  }
  return "";
}

StatusFacts gather_status_facts(const MachineFiles& files, const FreeSpace& free_space) {
  StatusFacts facts;
  facts.crash_kernel = gather_crash_kernel_facts(files);
  std::optional<ArmRecord> record;
  if (facts.crash_kernel.record) record = *facts.crash_kernel.record;
  const ProofFacts proof = read_proof_of_armed(files, record);
  facts.region = gather_region_facts(files, proof);
  facts.system = gather_system_facts(files, facts.region.region.value, free_space);
  facts.proof = prove_before_load(files, proof, record ? std::optional(record->command_line) : std::nullopt);
  for (ProofResult& result : prove_loaded(files, record)) facts.proof.push_back(std::move(result));
  return facts;
}

}  // namespace warmdump
