// From a region to the spool: room is made, the files are written, and the dump is published when all of it
// is durable; or found there, when an earlier run has done so.

#pragma once

#include <string>

#include "common/device.h"
#include "common/hosted/failure.h"
#include "recover/recover_region.h"

namespace warmdump {

class DumpSaver {
 public:
  // All are borrowed. `report` gets what is learnt: directory, dump, outcome, times.
  DumpSaver(const Device& region, DumpExtractor& extractor, RecoverEvents& events, const SaveHelpers& helpers,
            RegionRecovery& report)
      : region_(region), extractor_(extractor), events_(events), helpers_(helpers), report_(report) {}

  // `outcome` is the report's when this run saves the dump, already_saved when an earlier one has. After a
  // failure the dump counts as not saved. Errors: those of Spool and of DumpExtractor::extract.
  Outcome<void> save(const DumpIdentity& identity, const Spool& spool, DumpOutcome outcome);

 private:
  Outcome<void> extract(const DumpIdentity& identity, const Spool& spool, DumpOutcome outcome);
  bool make_room_on_full_disk();
  ByteCount expected_size() const;

  const Device& region_;
  DumpExtractor& extractor_;
  RecoverEvents& events_;
  const SaveHelpers& helpers_;
  RegionRecovery& report_;
};

// Tells what a SpoolKeeper did. What it could not do costs nothing else.
void tell_retention(const Outcome<RetentionReport>& report, RecoverEvents& events);

// Lower-case hex of the part of the id that frames repeat; the name of a dump in the spool.
std::string dump_id_text(const FrameDumpId& id);

}  // namespace warmdump
