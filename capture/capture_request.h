// What a capture is asked to do with a vmcore and a region that are open already.

#pragma once

#include <string_view>

#include "capture/crashed_machine/kernel_hints.h"
#include "capture/crashed_machine/vmcore_memory.h"
#include "capture/pages/pfn_ranges.h"
#include "capture/support/pulse.h"
#include "common/dump_format/dump_seal.h"
#include "common/dump_format/frame_cipher.h"
#include "common/kernel/page_classifier.h"

namespace warmdump {

struct CaptureRequest {
  unsigned dump_level = kDumpLevelMax;
  PfnRange region;                         // the dump region in the crashed machine: never read, never stored
  std::string_view info;                   // "key=value" lines to go into the dump
  dump_format::BootSecret secret;          // that the dump is sealed with; unset: it is not
  dump_format::DumpEncryption encryption;  // with a secret only; unset: the dump is in clear
  unsigned threads = 0;                    // that compress; 0: as many as processors and memory allow
  VmcoreMemory::Access access = VmcoreMemory::Access::automatic;
  KernelHints hints;
  Deadline deadline;               // when it passes, the capture closes the dump with what it has
  bool measures_memory = false;    // the machine's memory is the crash kernel's: note how much was free
  Heartbeat* heartbeat = nullptr;  // hears that the capture gets on; none: nobody listens
};

}  // namespace warmdump
