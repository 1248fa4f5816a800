// An initramfs image made by another builder (mkinitramfs, dracut), as the base of the crash image in place
// of our own: crash-image-files lays out what it must hold.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/hosted/failure.h"
#include "initramfs/capture_configuration.h"
#include "initramfs/crash_modules.h"
#include "initramfs/image_builder.h"
#include "initramfs/kernel_config.h"

namespace warmdump {

// The image as it is, with the configuration of this boot and `appended_archive` behind it.
//
// `modules` are those of the kernel's own directory. The image must hold the same, byte for byte: one that
// was left from before an update of the kernel would fail in the crash kernel only. A watchdog driver that it
// lacks is taken from `modules` and named in `missing`. Refused (ErrorCode::refused) besides: /init that is
// not warmdump-capture, since anything else would boot the crashed system's disk; unsupported: a compression
// that this kernel cannot unpack.
Outcome<CrashImage> build_crash_image_on(std::string outside_image, CrashModules& modules,
                                         const CaptureConfiguration& configuration,
                                         const KernelConfig& kernel_config, std::string_view appended_archive,
                                         std::vector<std::string>& missing);

}  // namespace warmdump
