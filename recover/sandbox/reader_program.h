// What the confined child does: serves the requests of SandboxedExtractor with an extractor.

#pragma once

#include <filesystem>

#include "common/device.h"
#include "recover/dump_extractor.h"

namespace warmdump {

enum class ReaderRequest : char { secrets = 's', identify = 'i', extract = 'x' };

// Reads requests from `socket` and answers them, until the other side closes. Files go to `directory`. Tells
// progress and, at least as often as something is read of the region, that it is alive.
void serve_reader_requests(int socket, DumpExtractor& extractor, const Device& region,
                           const std::filesystem::path& directory);

}  // namespace warmdump
