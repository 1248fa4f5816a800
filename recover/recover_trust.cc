#include "recover/recover_trust.h"

#include <algorithm>
#include <vector>

namespace warmdump {
namespace {

bool is_of_record(const DumpIdentity& identity, const TrustRules& trust) {
  return trust.is_own_region && identity.authenticity == Authenticity::sealed;
}

}  // namespace

Outcome<DumpEvidence> gather_evidence(const DumpIdentity& identity, const std::string& dump_id,
                                      const Spool& spool, const TrustRules& trust) {
  DumpEvidence evidence;
  evidence.authenticity = identity.authenticity;
  evidence.is_own_region = trust.is_own_region;
  evidence.is_in_spool = TRY(spool.find(dump_id)).has_value() || spool.was_published(dump_id);
  if (identity.boot_id.empty()) return evidence;
  const auto record = trust.records.find(identity.boot_id);
  // What is no boot id at all has no record.
  evidence.is_record_unreadable = !record.has_value() && record.error().code != ErrorCode::invalid;
  if (record.has_value() && *record) {
    const std::vector<std::string>& taken = (*record)->dumps_taken;
    evidence.is_noted = std::find(taken.begin(), taken.end(), dump_id) != taken.end();
  }
  return evidence;
}

Outcome<void> note_taken(const DumpIdentity& identity, const std::string& dump_id, const TrustRules& trust) {
  if (!is_of_record(identity, trust)) return {};
  return in_context("cannot note that the dump was saved",
                    trust.records.note_taken(identity.boot_id, dump_id));
}

void note_waiting(const DumpIdentity& identity, const TrustRules& trust) {
  // The failure that kept the dump from being saved is the one to be told.
  if (is_of_record(identity, trust)) (void)trust.records.note_waiting(identity.boot_id);
}

}  // namespace warmdump
