// Arming a machine as `warmdump arm` does it: the secret of the boot, the proof, the record, and only then
// the crash kernel. And the opposite.

#pragma once

#include <string>
#include <vector>

#include "arm/load/arm.h"
#include "arm/load/crash_kernel.h"
#include "arm/load/trim.h"
#include "arm/machine/machine_files.h"
#include "common/hosted/arm_record.h"
#include "common/hosted/failure.h"

namespace warmdump {

// Where arming leaves its traces. Tests have other places.
struct ArmPlaces {
  std::string records = kArmRecordDirectory;
  // Of this boot: `armed` while a crash kernel of ours is loaded (the udev rule asks for it), `arm.lock`, and
  // the files of rearming.h.
  std::string run = "/run/warmdump";
  std::string measured = kMeasuredMemoryPath;

  std::string armed_mark() const { return run + "/armed"; }
};

struct ArmResult {
  CrashSetup setup;
  ArmRecord record;
  ByteCount reserved_size = 0;
  std::optional<TrimPlan> trim;  // what was done; none: not asked for, or not possible, then with a warning
  // By a reload: what is loaded is what would have been loaded, and nothing was changed.
  bool was_current = false;
};

// Takes the secret that an earlier arming of this boot recorded, or draws one; makes sure by the proof that
// loading is safe; writes the record; loads over what is loaded. `arguments` go into the record. Loads again
// when memory was added or removed meanwhile, a few times. Waits for another arming that is under way.
//
// Trims the reservation before loading, when the request says so.
//
// On failure nothing is loaded that was not before; load_crash_kernel() says what became of that.
Outcome<ArmResult> arm_machine(ArmRequest request, const std::vector<std::string>& arguments,
                               const MachineFiles& files, CrashKernelLoader& loader, const ArmPlaces& places);

// The same for a machine that `record` says was armed in this boot, with the request it was armed by; loads
// only when that would change anything: other memory or processors, which the kernel does not take in by
// itself, or another kernel, program or setting.
Outcome<ArmResult> reload_machine(ArmRequest request, const ArmRecord& record, const MachineFiles& files,
                                  CrashKernelLoader& loader, const ArmPlaces& places);

// The record of the running boot; empty when it was never armed, or is not armed any more.
Outcome<std::optional<ArmRecord>> armed_record(const MachineFiles& files, const ArmPlaces& places);

// Unloads the crash kernel, whoever loaded it. The record stays: a dump may still come to be judged by it.
Outcome<void> disarm_machine(CrashKernelLoader& loader, const ArmPlaces& places);

// Sets kernel.kexec_load_disabled: until the next boot nobody can load or unload a kernel, warmdump included.
Outcome<void> disable_kexec_load();

}  // namespace warmdump
