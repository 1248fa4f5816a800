// Finds the dump region among the kernel's legacy PMEM namespaces and gets its raw block device, without any
// library (drivers/nvdimm; the order matters, see docs/PMEM_LIFECYCLE.md). No heap.

#pragma once

#include "capture/capture_options.h"
#include "common/result.h"
#include "common/text.h"

namespace warmdump {

using DevicePath = Text<64>;

// Claims the namespace whose address and size match exactly, whatever info block an earlier use left on it,
// loads the pmem modules of `options`, and returns the path of its block device. The other modules must be
// loaded. Errors: not_found (no namespace, or none that matches), io (a module or a sysfs file refused).
Result<DevicePath> claim_pmem_region(const CaptureOptions& options);

}  // namespace warmdump
