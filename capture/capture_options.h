// What a capture is asked to do, and the command line of the program that says so. In the crash kernel it is
// crash_kernel/configuration.h that says so. No heap.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "capture/crashed_machine/kernel_hints.h"
#include "capture/crashed_machine/vmcore_memory.h"
#include "common/dump_format/dump_seal.h"
#include "common/dump_format/frame_cipher.h"
#include "common/kernel/page_classifier.h"
#include "common/result.h"
#include "common/units.h"

namespace warmdump {

// How the crash kernel ends, whatever happened before.
enum class FinalAction : std::uint8_t {
  warm_reset,  // by whatever way the kernel prefers, memory kept
  cold_reset,  // the same without asking the firmware to keep memory
  efi_reset,   // warm, by the EFI runtime
  acpi_reset,  // warm, by the ACPI reset register
  kbd_reset,   // warm, by the keyboard controller
  power_off,   // the dump is lost with the memory: for tests
  halt,        // stop, for looking at the crash kernel
};

// The word of the configuration: warm, cold, efi, acpi, kbd, off, halt (or none, its older name).
std::optional<FinalAction> final_action_of(std::string_view word);

// In a crash kernel, when nothing else is asked for. The deadline is far beyond what a capture takes: it only
// cuts one that got lost. A program has none.
inline constexpr std::uint64_t kCrashKernelDeadlineSeconds = 3600;
inline constexpr std::uint64_t kDeadlineMaxSeconds = 1'000'000;
inline constexpr std::uint64_t kWatchdogSeconds = 60;
inline constexpr std::uint64_t kWatchdogMaxSeconds = 3600;

struct CaptureOptions {
  static constexpr std::size_t kModulesMax = 32;

  const char* vmcore_path = "/proc/vmcore";
  const char* settings_path = nullptr;  // program only; the crash kernel's are in its image
  const char* region_path = nullptr;    // program only; the crash kernel finds the region by its address
  PhysicalAddress region_start = 0;     // in the crashed machine; size 0: not part of it
  ByteCount region_size = 0;
  unsigned dump_level = kDumpLevelMax;
  FinalAction final_action = FinalAction::warm_reset;
  std::uint64_t deadline_s = 0;                 // from the start of the process; 0: none
  std::uint64_t watchdog_s = kWatchdogSeconds;  // crash kernel only; 0: the watchdog is left alone
  bool stats = false;                           // counters as key=value lines on standard output
  bool overwrite = false;
  unsigned threads = 0;  // that compress; 0: as many as processors and memory allow
  VmcoreMemory::Access access = VmcoreMemory::Access::automatic;
  const char* modules[kModulesMax] = {};  // to load before the region is claimed, in order
  std::size_t module_count = 0;
  const char* pmem_modules[kModulesMax] = {};  // to load after it was claimed
  std::size_t pmem_module_count = 0;
  KernelHints hints;
  std::string_view info;           // "key=value" lines that go into the dump
  dump_format::BootSecret secret;  // that the dump is sealed with
  dump_format::DumpEncryption encryption;
};

// Fills `options` from program arguments. Strings are borrowed from argv.
// Error invalid: `what` names the option that is wrong.
Result<void> parse_arguments(int argc, char** argv, CaptureOptions& options);

// Error invalid: not a level.
Result<void> set_dump_level(std::string_view value, CaptureOptions& options);
// Error invalid: not 64 hexadecimal digits.
Result<void> set_secret(std::string_view value, CaptureOptions& options);
// "KEY_ID:KEY:WRAPPED_KEY", all hexadecimal. Error invalid: anything else.
Result<void> set_encryption(std::string_view value, CaptureOptions& options);
// Error invalid: not a number from 0 to 64.
Result<void> set_threads(std::string_view value, CaptureOptions& options);

// `value` as text; a name this program does not know is passed over. Error invalid: not a number.
Result<void> set_hint_value(std::string_view name, std::string_view value, CaptureOptions& options);

extern const char kUsage[];

}  // namespace warmdump
