// The firmware's MemoryOverwriteRequest (TCG Platform Reset Attack Mitigation Specification 1.10): a variable
// by which an operating system asks the firmware to clear all RAM at the next reset that was not an orderly
// shutdown. Linux with CONFIG_RESET_ATTACK_MITIGATION sets it at every EFI boot where the variable exists
// (drivers/firmware/efi/libstub/tpm.c); a dump kept in RAM is then cleared with all else.

#pragma once

#include <cstdint>

#include "arm/machine/machine_files.h"
#include "common/hosted/failure.h"

namespace warmdump {

enum class MemoryOverwriteRequest {
  no_efi,    // a BIOS boot: nobody asks
  not_seen,  // EFI, but its variables are not to be seen: efivarfs not mounted, or unreadable
  absent,    // the firmware does not offer it
  clear,     // offered, and not asked for
  set,       // RAM is cleared at the next reset
};

struct MemoryOverwriteState {
  MemoryOverwriteRequest request = MemoryOverwriteRequest::no_efi;
  // MemoryOverwriteRequestControlLock: the firmware refuses to have the request changed until the next boot.
  bool is_locked = false;
};

MemoryOverwriteState read_memory_overwrite(const MachineFiles& files);

// Takes the request back; returns whether there was one. The price is the user's to accept: what processes
// kept secret then stays in RAM over a crash, and whoever starts another system on the machine can read it.
//
// ErrorCode::refused: locked. no_permission, io: the firmware or the kernel did not take it. not_found:
// efivarfs is not mounted. The kernel keeps the variable's file immutable; it is so again afterwards.
Outcome<bool> clear_memory_overwrite(const MachineFiles& files);

}  // namespace warmdump
