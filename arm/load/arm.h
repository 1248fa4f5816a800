// Arms the machine: from the running system to a loaded crash kernel that would keep a dump in the region.
//
// In two steps, since an image can also be made without loading it: prepare_crash_setup() finds and builds
// everything and changes nothing; load_crash_setup() loads it.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "arm/load/crash_kernel.h"
#include "arm/load/crash_memory_need.h"
#include "arm/load/kernel_image.h"
#include "arm/load/proof.h"
#include "arm/machine/machine_files.h"
#include "arm/machine/memory_map.h"
#include "common/hosted/failure.h"
#include "initramfs/image_builder.h"

namespace warmdump {

// Empty paths mean the usual places.
struct ArmRequest {
  std::string kernel_path;        // /boot/vmlinuz-<running version>
  std::string capture_path;       // beside the running program, else the installed one
  std::string modules_directory;  // /lib/modules/<version of the kernel image>
  unsigned dump_level = 31;
  std::string final_action = "warm";        // reset_of_word()
  std::optional<std::uint64_t> deadline_s;  // 0 for none
  // Timeout of the hardware watchdog; its modules come into the image. 0 leaves it alone. Empty: taken along
  // when the running system has it armed, since it would cut the capture.
  std::optional<std::uint64_t> watchdog_s;
  std::optional<AddressRange> region;  // the only one of the machine
  std::string appended_command_line;
  std::string appended_archive_path;  // none
  // None: the image is built here; else see initramfs/outside_image.h. "%v" stands for the kernel's version.
  std::string outside_image_path;
  std::string consent_file;      // none
  std::string cache_directory;   // of base archives; none: every image is built from scratch
  std::string armed_at;          // into the image; empty: the time it is
  Secret secret;                 // into the image, when it is set
  std::string fleet_public_key;  // file of the key that dumps are encrypted for; none: they are not
  std::string test_id;           // among the facts of the dump: of a crash made on purpose; empty: none
  // What the crash kernel will be given, told in the image for the next measurement; as it is now when empty.
  std::optional<ByteCount> crash_memory;
  // Whether arm_machine() trims the reservation first, see trim.h; `if_measured`: where it can.
  enum class Trim { no, if_measured, required };
  Trim trim = Trim::no;
  bool image_only = false;  // not to be loaded here: the region may come from the command line unproved
};

struct CrashSetup {
  AddressRange region;
  std::string kernel_path;
  KernelImage kernel;
  std::string capture_path;
  CrashImage image;
  std::string command_line;
  std::string kernel_sha256;
  std::string armed_at;
  std::optional<CaptureEncryption> encryption;  // as in the image
  std::vector<ProofResult> proof;               // empty for an image that is not to be loaded here
  std::vector<std::string> warnings;

  CrashSetup() = default;
  CrashSetup(CrashSetup&&) = default;
  CrashSetup& operator=(CrashSetup&&) = default;
  ~CrashSetup() { wipe_text(image.bytes); }  // there is the secret in it
};

// ErrorCode::invalid for values that make no sense, and a fleet key that is none; refused when it would not
// be safe to load it, see proof.h.
Outcome<CrashSetup> prepare_crash_setup(const ArmRequest& request, const MachineFiles& files);

// Returns the reserved size. Adds a warning to `setup` when the reservation is doubtful for it.
Outcome<ByteCount> load_crash_setup(CrashSetup& setup, CrashKernelLoader& loader);

// SHA-256 of the image without its key of encryption, which is another one in each image: two images with the
// same digest do the same.
Outcome<std::string> image_digest(const CrashSetup& setup);

// What the crash kernel of `setup` needs of crashkernel=.
CrashMemoryNeed memory_need(const CrashSetup& setup);

// Why `reserved_size` of crashkernel= is probably too small, or nothing.
std::optional<std::string> reservation_warning(const CrashSetup& setup, ByteCount reserved_size);

}  // namespace warmdump
