// The destination "dir:PATH": a local directory, a mounted share or stick. PATH must exist, so that a share
// that is not mounted is noticed.
//
// Files are copied into PATH/.<dump name>.partial, made durable, and that directory is renamed to
// PATH/<dump name> at the end. A failure removes it; one left by a killed process is cleared by the next
// upload of the same dump. Directory mode 0700, file mode 0600, whatever the umask allows more.

#pragma once

#include "upload/destination.h"

namespace warmdump {

Outcome<std::unique_ptr<Destination>> make_directory_destination(const std::string& address,
                                                                 const DestinationOptions& options);

}  // namespace warmdump
