// An encrypted dump, where the fleet's private key is: from its image to the usual directory.

#pragma once

#include <filesystem>

#include "common/hosted/failure.h"
#include "common/hosted/fleet_key.h"
#include "recover/progress.h"
#include "recover/report/dump_directory_options.h"
#include "recover/report/dump_summary.h"

namespace warmdump {

struct DecryptRequest {
  std::filesystem::path source;     // image file, directory of an encrypted dump, or region
  std::filesystem::path directory;  // to be made; must not exist
  // Take what still has its seal of a dump that was changed or cut, or is damaged in an unknown way.
  bool take_damaged = false;
  DumpDirectoryOptions options;
};

// `directory` appears when all is in it and on the disk; after a failure nothing of the dump is left in
// clear. A dump that was incomplete when the machine stored it is no failure: see DumpSummary::complete.
// Errors: refused (another key; changed, cut, or frames missing; `directory` exists), invalid (not
// encrypted), those of DumpReader and of write_dump_directory.
Outcome<DumpSummary> decrypt_dump(const DecryptRequest& request, const FleetPrivateKey& key,
                                  const ProgressFunction& progress);

}  // namespace warmdump
