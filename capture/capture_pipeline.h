// The capture itself: from a vmcore to a dump on a region, most valuable pages first. No heap.
//
//   notes, VMCOREINFO, printk ring        whatever happens later, the next boot can tell what happened
//   kernel tables                         without them nothing else can be found in the dump
//   stacks, kernel data, per-CPU, modules what the CPUs were at when the machine crashed
//   survey                                class maps of everything: from here on a reader knows what is lost
//   rest of the kernel image, vmalloc     constants and text can also be had from the kernel's package
//   kernel pages, struct pages            the bulk of the dump
//   device dumps                          can be tens of MiB, and nobody needs them to open the dump
//   cache, user, free pages               only where the dump level asks for them
//
// A region too small for all of it gets what fits, in this order, and an exact account of what is missing.
// What that means for the bulk is in pages/capture_plan.h; page_phases.h has
// the phases that store pages.

#pragma once

#include "capture/capture_account.h"
#include "capture/capture_request.h"
#include "common/dump_format/dump_format.h"
#include "common/file_device.h"
#include "common/result.h"

namespace warmdump {

// Writes a dump of `vmcore` to `region`, beginning with `header` (from check_region). A dump that only lacks
// something is no error but a report with its completeness. To be called once in the life of the program: all
// its memory is static, and independent of how large the crashed machine was.
// A dump cut by the deadline is such a report too.
// Errors: not_found, invalid, corrupt, unsupported (the vmcore cannot be understood), io (writing failed for
// good; what was flushed before is a partial dump). The header of the region then says why, as far as it can
// still be written.
Result<void> capture_vmcore(const FileDevice& vmcore, Device& region, const dump_format::RegionHeader& header,
                            const CaptureRequest& request, CaptureReport& report);

// For the handler of a fatal signal: leaves `error` in the header of the dump being written, if there is one.
// The frames are left as they are, and so is the state `writing`: the next boot recovers what was flushed.
void record_crash(const Error& error);

}  // namespace warmdump
