// An encrypted dump, where the fleet's private key is: from its image to the usual directory. The dump is
// read in a confined child process (sandbox/reader_task.h), which gets the keys of this dump alone: the
// private key is read, and used, in this process.

#pragma once

#include <filesystem>
#include <functional>
#include <string>

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
  // Hears what protection this system lacks, a sentence each.
  std::function<void(const std::string&)> missing = {};
};

// Called once, when the process that reads the dump is there already, so that the key is not in its memory.
using PrivateKeySource = std::function<Outcome<FleetPrivateKey>()>;

// `directory` appears when all is in it and on the disk; after a failure nothing of the dump is left in
// clear. A dump that was incomplete when the machine stored it is no failure: see DumpSummary::complete.
// Errors: refused (another key; changed, cut, or frames missing; `directory` exists), invalid (not
// encrypted), those of `read_key`, run_reader_task, DumpReader and write_dump_directory.
Outcome<DumpSummary> decrypt_dump(const DecryptRequest& request, const PrivateKeySource& read_key,
                                  const ProgressFunction& progress);

}  // namespace warmdump
