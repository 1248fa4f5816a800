// What ended a capture, for the next boot to tell: in the region's header. No heap.

#pragma once

#include <string_view>

#include "common/device.h"
#include "common/dump_format/dump_format.h"
#include "common/dump_format/dump_seal.h"
#include "common/result.h"

namespace warmdump {

// Makes `header` one of a partial dump that ended with `error`; `subject` is what the error is about.
void put_failure(dump_format::RegionHeader& header, std::string_view subject, const Error& error);

// For a capture that fails before it can begin: leaves a dump without frames on `region` whose header (from
// check_region) says why, sealed if `secret` is set. Errors: io; there is then nothing more to be done.
Result<void> record_failed_start(Device& region, const dump_format::RegionHeader& header,
                                 const dump_format::BootSecret& secret, std::string_view subject,
                                 const Error& error);

}  // namespace warmdump
