// Sends the dump of a self-test to a destination, as `warmdump upload` would, and cleans up where it can.

#pragma once

#include <filesystem>
#include <string>

#include "common/hosted/failure.h"
#include "upload/destination/destination.h"

namespace warmdump {

// One attempt for each file. Where the destination is a directory, what arrived is compared byte by byte and
// removed again; over HTTP it stays, under the dump's name. Returns what was done, for people.
Outcome<std::string> upload_and_check(const std::filesystem::path& dump, const std::string& address,
                                      const DestinationOptions& options);

}  // namespace warmdump
