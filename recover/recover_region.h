// The recovery state machine: from what the header says to a region that is ready for the next capture.
//
//   header          what happens
//   ------------    ----------------------------------------------------------------------------------------
//   none            format: `empty`. Unless frames are there: then as corrupt
//   empty, cleared  nothing; the header is adapted when memmap= moved or resized the region
//   writing,        extract into the spool ► durable ► header `recovered` ► wipe and verify ► `cleared`
//   complete,
//   partial
//   recovered       (killed while wiping) wipe and verify ► `cleared`
//   corrupt         look for frames: if there are any, save them like a dump; then a fresh header
//   forged          (claims a seal it does not have) wipe and verify ► `cleared`
//   unsupported     refuse, touch nothing: a newer version wrote it and can read it
//
// Killed anywhere and started again it ends in the same place: one complete dump in the spool, never none,
// never two. Only a dump that is durable in the spool is wiped. The cleared header keeps the record of the
// last dump: id, phase, error, counters.

#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "common/device.h"
#include "common/dump_format/dump_format.h"
#include "common/hosted/failure.h"
#include "recover/dump_extractor.h"
#include "recover/recover_events.h"
#include "recover/spool/spool.h"

namespace warmdump {

enum class DumpOutcome {
  none,            // no dump was there
  extracted,       // saved by this run
  already_saved,   // saved by an earlier, interrupted run
  nothing_stored,  // a capture began, and died before it stored one readable frame
  refused,         // what lay there claimed to be a dump of a known boot, and was not: wiped unread
};

struct RegionRecovery {
  DumpOutcome outcome = DumpOutcome::none;
  bool formatted = false;                           // had no header before
  bool wiped = false;                               // by this run
  std::filesystem::path directory;                  // of the dump; empty when there was none
  std::optional<ExtractedDump> dump;                // only for `extracted`
  std::optional<dump_format::RegionHeader> header;  // of the dump as found; nullopt when corrupt or none
  std::uint64_t extract_ms = 0;
  std::uint64_t wipe_ms = 0;
};

// `region_start`: physical address, 0 for a regular file. `region` is open for writing.
// On success the header is `empty` or `cleared` and no dump is on the region.
// Errors leave an unsaved dump untouched: unsupported (see above); no_space and io of the spool; io and
// corrupt of the region.
Outcome<RegionRecovery> recover_region(Device& region, PhysicalAddress region_start, const Spool& spool,
                                       DumpExtractor& extractor, RecoverEvents& events);

// Lower-case hex of the part of the id that frames repeat; the name of a dump in the spool.
std::string dump_id_text(const FrameDumpId& id);

}  // namespace warmdump
