// SHA-256 of a file, in bounded memory.

#pragma once

#include <string>

#include "common/hosted/failure.h"
#include "common/units.h"
#include "upload/dump_directory.h"

namespace warmdump {

// Hashes exactly `size` bytes from the start of fd (its file position stays); 64 lower-case hexadecimal
// digits. A shorter file is `corrupt`. `done` is called with the bytes hashed so far.
Outcome<std::string> sha256_of_file(int fd, ByteCount size, const BytesDone& done);

}  // namespace warmdump
