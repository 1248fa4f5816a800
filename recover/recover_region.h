// The recovery state machine: from what the header says to a region that is ready for the next capture.
//
//   header          what happens
//   ------------    ----------------------------------------------------------------------------------------
//   none            format: `empty`. Unless frames are there: then as corrupt
//   empty, cleared  nothing; the header is adapted when memmap= moved or resized the region. Unless a frame
//   lies
//                   where the first one does: judged, as corrupt
//   writing,        judged (dump/dump_trust.h):
//   complete,         take    extract into the spool ► durable ► forwarded, where that is wanted ► noted in
//   the partial                   record of its boot ► header `recovered` ► wipe and verify ► `cleared`
//                     keep    the same, in the part of the spool for what nothing proves; not noted
//                     leave   touch nothing: the region keeps it until somebody says what to do
//                     refuse  fresh header `recovered`, with the reason ► wipe and verify ► `cleared`
//   recovered       (killed while wiping) wipe and verify ► `cleared`
//   corrupt         look for frames: if there are any, judge and save them like a dump; then a fresh header
//   unsupported     refuse, touch nothing: a newer version wrote it and can read it
//
// Killed anywhere and started again it ends in the same place: one complete dump in the spool, never none,
// never two; also when somebody takes it out of the spool as soon as it is there (spool/publication.h). Only
// a dump that is durable in the spool, or refused, is wiped. The cleared header keeps the record of the last
// dump: id, phase, error, counters; of a refused one only why.

#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "common/device.h"
#include "common/dump_format/dump_format.h"
#include "common/hosted/failure.h"
#include "recover/dump_extractor.h"
#include "recover/dump_forwarder.h"
#include "recover/recover_events.h"
#include "recover/recover_trust.h"
#include "recover/region/wipe.h"
#include "recover/spool/spool.h"
#include "recover/spool/spool_keeper.h"

namespace warmdump {

enum class DumpOutcome {
  none,            // no dump was there
  extracted,       // saved by this run
  already_saved,   // saved by an earlier, interrupted run
  nothing_stored,  // a capture began, and died before it stored one readable frame
  refused,         // what lay there is not this machine's dump, or was taken before: wiped unread
  kept_apart,      // saved by this run on request, although nothing proves whose it is
  left_alone,      // nobody can judge it: it is on the region as before, which must not be returned
};

struct RegionRecovery {
  DumpOutcome outcome = DumpOutcome::none;
  bool formatted = false;             // had no header before
  bool wiped = false;                 // by this run
  Refusal refusal = Refusal::none;    // only for `refused`
  std::filesystem::path directory;    // of the dump; empty when there was none
  std::string sent_to;                // by this run, DumpForwarder::name(); empty: kept here
  std::optional<ExtractedDump> dump;  // only for `extracted` and `kept_apart`
  std::optional<dump_format::RegionHeader>
      header;  // of the dump as found; nullopt when lost, none or refused
  std::uint64_t extract_ms = 0;
  std::uint64_t flush_ms = 0;  // of extract_ms: until the dump was durable in the spool
  std::uint64_t wipe_ms = 0;
  WipeTimes wipe;  // parts of wipe_ms
};

// What helps with a dump that is taken. Borrowed; each may be missing.
struct SaveHelpers {
  const SpoolKeeper* keeper = nullptr;  // makes room in the spool, and once more when the disk is full
  DumpForwarder* forwarder = nullptr;   // sends the dump elsewhere, too
};

// `region_start`: physical address, 0 for a regular file. `region` is open for writing.
// On success the header is `empty` or `cleared` and no dump is on the region, but with `left_alone`. Errors
// leave an unsaved dump untouched: unsupported (see above); no_space and io of the spool; io and corrupt of
// the region; those of the forwarder.
Outcome<RegionRecovery> recover_region(Device& region, PhysicalAddress region_start, const Spool& spool,
                                       DumpExtractor& extractor, RecoverEvents& events,
                                       const TrustRules& trust, const SaveHelpers& helpers = {});

}  // namespace warmdump
