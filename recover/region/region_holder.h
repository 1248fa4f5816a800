// Who holds the disk of a region: for the message when it is busy.

#pragma once

#include <filesystem>
#include <string>

#include "common/hosted/failure.h"

namespace warmdump {

// What the system shows of it: "mounted at /mnt, part of md0, open in dd (process 123)"; empty when nothing
// is seen. Processes of others are seen as far as /proc lets. `root`: "/" but in tests.
std::string holders_of(const std::string& disk, const std::filesystem::path& root = "/");

// The same failure; when it is `busy`, with the holders of the disk behind its message.
Failure in_use(Failure failure, const std::filesystem::path& disk);

}  // namespace warmdump
