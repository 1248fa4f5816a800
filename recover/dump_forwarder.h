// DumpForwarder: where else a dump must have arrived before its region is wiped. Recovery calls it between
// saving and wiping; cli/ connects it with upload, which knows nothing of regions.

#pragma once

#include <filesystem>
#include <string>

#include "common/device.h"
#include "common/hosted/failure.h"

namespace warmdump {

class DumpForwarder {
 public:
  virtual ~DumpForwarder() = default;

  // Sends the dump on `region` and the files of its finished `directory`. Called again, also by a later run,
  // after a failure and where a run was interrupted: what arrived before must not be there twice. Errors: as
  // they are; the dump then stays on the region.
  virtual Outcome<void> forward(const Device& region, const std::filesystem::path& directory) = 0;

  // Where to, for people: an address without secrets.
  virtual std::string name() const = 0;
};

}  // namespace warmdump
