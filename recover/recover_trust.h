// TrustRules: by what recovery judges a dump, beside its seal; and the evidence gathered by them for
// judge_dump().

#pragma once

#include <string>

#include "common/hosted/arm_record.h"
#include "common/hosted/failure.h"
#include "recover/dump/dump_trust.h"
#include "recover/dump_extractor.h"
#include "recover/spool/spool.h"

namespace warmdump {

struct TrustRules {
  Unauthenticated unauthenticated = Unauthenticated::ask;
  ArmRecords records = ArmRecords();  // where it is noted which dumps were taken
  bool is_own_region = true;  // false: a file or disk named by hand, whose dump may be of another machine
};

// `dump_id`: as text. Errors: io of the spool. A record that cannot be read is evidence, no error.
Outcome<DumpEvidence> gather_evidence(const DumpIdentity& identity, const std::string& dump_id,
                                      const Spool& spool, const TrustRules& trust);

// Notes, durably, that the dump is saved; without a seal, or of a file named by hand, there is nothing to
// note.
Outcome<void> note_taken(const DumpIdentity& identity, const std::string& dump_id, const TrustRules& trust);

// Keeps the record by which the dump can be judged, since the dump could not be saved. Best effort.
void note_waiting(const DumpIdentity& identity, const TrustRules& trust);

}  // namespace warmdump
