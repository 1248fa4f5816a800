// What the last `warmdump selftest --retention` found, as it is kept in the state directory.

#pragma once

#include <string>

#include "arm/machine/machine_files.h"
#include "common/hosted/failure.h"

namespace warmdump {

struct RetentionOutcome {
  std::string word;               // "retained", "partly", "lost"; others say nothing of the machine
  bool of_this_firmware = false;  // the firmware's version is still that of the test

  bool is_retained() const { return of_this_firmware && word == "retained"; }
};

// From {"retention": {"verdict": ..., "machine": {"firmware_version": ...}}} in
// /var/lib/warmdump/selftest.json. ErrorCode::not_found: the machine was never tested.
Outcome<RetentionOutcome> read_retention_outcome(const MachineFiles& files);

}  // namespace warmdump
