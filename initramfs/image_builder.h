// Makes the crash image: the initramfs of the crash kernel. It holds the capture as /init, the modules it
// loads, /warmdump.conf, empty directories to mount on, and nothing else.
//
// Two archives one behind the other, both unpacked by the kernel: a compressed base that stays the same for a
// kernel, and a small plain one with the configuration of this boot. A further archive may follow them.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/hosted/failure.h"
#include "common/units.h"
#include "initramfs/archive_cache.h"
#include "initramfs/capture_configuration.h"
#include "initramfs/crash_modules.h"
#include "initramfs/kernel_config.h"

namespace warmdump {

// Refuses what the crash kernel could not run as /init: not a 64-bit x86 ELF program
// (ErrorCode::unsupported), or one that needs a dynamic loader, which the image has not (ErrorCode::invalid).
Outcome<void> check_capture_program(std::string_view program);

struct ImagePart {
  std::string path;  // in the image: "init", "modules/nd_pmem.ko"
  ByteCount size = 0;
};

struct CrashImage {
  std::string bytes;
  std::vector<ImagePart> parts;  // programs and modules, unpacked
  std::string_view compression;  // name of the base archive's compressor
  ByteCount unpacked_size = 0;   // memory the kernel fills with its files
  bool base_was_cached = false;
  std::string cache_problem;  // why the base archive could not be kept; empty: it was, or need not be

  std::vector<std::string> module_names() const;  // in load order
};

// Where the image has a module: "modules/nd_pmem.ko".
std::string module_path_in_image(std::string_view name);

// `appended_archive` is a cpio archive, plain or compressed, as the kernel takes it; empty for none. The base
// archive is taken from `cache` or put there, if there is one; the image is the same either way.
//
// With a secret in the configuration, the caller wipes the image's bytes.
Outcome<CrashImage> build_crash_image(std::string_view capture_program, const CrashModules& modules,
                                      const CaptureConfiguration& configuration,
                                      const KernelConfig& kernel_config, std::string_view appended_archive,
                                      const ArchiveCache* cache = nullptr);

// Puts behind a base archive what is of one boot only: /warmdump.conf, which names the modules to load, and
// `appended_archive`.
void append_boot_archives(std::string& image, const CrashModules& modules,
                          const CaptureConfiguration& configuration, std::string_view appended_archive);

}  // namespace warmdump
