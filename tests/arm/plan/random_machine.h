// Machines that nobody built: memory maps, tables and zones put together at random, in the forms real ones
// have.

#pragma once

#include <cstdint>
#include <optional>

#include "arm/machine/machine.h"

namespace warmdump {

struct RandomRequest {
  Machine machine;
  std::optional<ByteCount> size;
};

// The same seed makes the same machine.
RandomRequest random_request(std::uint64_t seed);

}  // namespace warmdump
