// What a capture is asked to do: command line of the program, or /warmdump.conf of the crash image. No heap.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "capture/crashed_machine/kernel_hints.h"
#include "capture/crashed_machine/vmcore_memory.h"
#include "common/kernel/page_classifier.h"
#include "common/result.h"
#include "common/units.h"

namespace warmdump {

// How the crash kernel ends, whatever happened before.
enum class FinalAction : std::uint8_t { warm_reset, power_off, halt };

struct CaptureOptions {
  static constexpr std::size_t kModulesMax = 32;

  const char* vmcore_path = "/proc/vmcore";
  const char* region_path = nullptr;  // program only; the crash kernel finds the region by its address
  PhysicalAddress region_start = 0;   // in the crashed machine; size 0: not part of it
  ByteCount region_size = 0;
  unsigned dump_level = kDumpLevelMax;
  FinalAction final_action = FinalAction::warm_reset;
  bool stats = false;  // counters as key=value lines on standard output
  bool overwrite = false;
  unsigned threads = 0;  // that compress; 0: as many as processors and memory allow
  VmcoreMemory::Access access = VmcoreMemory::Access::automatic;
  const char* modules[kModulesMax] = {};  // to load before the region is claimed, in order
  std::size_t module_count = 0;
  const char* pmem_modules[kModulesMax] = {};  // to load after it was claimed
  std::size_t pmem_module_count = 0;
  KernelHints hints;
  std::string_view info;  // "key=value" lines that go into the dump
};

// Fills `options` from program arguments. Strings are borrowed from argv.
// Error invalid: `what` names the option that is wrong.
Result<void> parse_arguments(int argc, char** argv, CaptureOptions& options);

// Fills `options` from configuration text, a "key=value" a line; '#' begins a comment line. Cuts `text` into
// zero-terminated strings that `options` borrows; `info_buffer` receives the info lines.
// Error invalid, with the line.
Result<void> parse_configuration(char* text, std::size_t size, std::span<char> info_buffer,
                                 CaptureOptions& options);

extern const char kUsage[];

}  // namespace warmdump
