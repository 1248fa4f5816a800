// The checks behind `warmdump status`: each one a pure function of facts that were gathered once.

#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "arm/load/proof.h"
#include "arm/status/crash_kernel_facts.h"
#include "arm/status/finding.h"
#include "arm/status/region_facts.h"
#include "arm/status/system_facts.h"

namespace warmdump {

struct StatusFacts {
  CrashKernelFacts crash_kernel;
  RegionFacts region;
  SystemFacts system;
  std::vector<ProofResult> proof;  // what `warmdump arm` proves as well
};

// Reads what is needed below `files`; nothing is changed. What cannot be read is a fact of its own.
StatusFacts gather_status_facts(const MachineFiles& files, const FreeSpace& free_space);

enum class Topic { crash_kernel, region, memory, boot, firmware, system };
std::string_view topic_title(Topic topic);

// Whether the answer hangs on a check: unless all decisive ones could be made, nobody can say that a dump
// would be recovered.
enum class Weight { decisive, advisory };

struct Check {
  std::string_view name;  // stable, for scripts
  Topic topic;
  Weight weight;
  std::string_view wanted;
  // Null: a result of the proof, by the same name, which says itself what is wanted.
  Finding (*judge)(const StatusFacts& facts);
};

// In the order in which they are told: a check comes before those that make no sense without it.
std::span<const Check> all_checks();

}  // namespace warmdump
