// DumpTrust: what is done with a dump, by what proves it. One table, pure.
//
//   what lies there                            what is done
//   ----------------------------------------   -----------------------------------------------------------
//   right seal                                 take it; or finish, when the spool has it already
//   right seal, taken before, not in the spool refuse: it was put back
//   wrong seal of a known boot                 refuse
//   no seal, or a boot of which nothing is     refuse; a file named by hand is of another machine perhaps:
//   known, where other boots are known         as the next row
//   anything, where no boot is known           nobody can judge: leave it on the region, or as was asked for
//
// Refused: not read any further, never in the spool, wiped. Why each row is as it is: docs/TRUST.md.

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "recover/dump/dump_authenticity.h"

namespace warmdump {

// What is asked for, of a dump that nobody can judge.
enum class Unauthenticated {
  ask,   // leave it on the region, and say so
  keep,  // save it, apart from the others
  wipe,  // as if it were refused
};

// Empty for any other word.
std::optional<Unauthenticated> parse_unauthenticated(std::string_view word);

// Why a dump was refused.
enum class Refusal {
  none,             // it was not
  forged,           // claims the seal of a known boot, and does not have it
  unsealed,         // has no seal, on a machine whose dumps have one
  unknown_boot,     // of a boot of which this machine has no record, though it has others
  replayed,         // was saved before, and is no longer in the spool: somebody put it back
  planted,          // frames without a seal, though the header says that no capture began
  unauthenticated,  // nobody can judge it, and wiping was asked for
};

// "forged", "unknown boot", ...; "" for none.
const char* refusal_name(Refusal refusal);
// One clause for people, "it claims ...".
const char* refusal_text(Refusal refusal);
// None for any other word.
Refusal parse_refusal(std::string_view name);

struct DumpEvidence {
  Authenticity authenticity = Authenticity::unchecked;
  bool is_forged = false;             // a wrong seal; `authenticity` does not count then
  bool is_record_unreadable = false;  // the record of its boot is there, and cannot be read
  bool is_own_region = true;          // false: a file or disk named by hand
  bool is_noted = false;              // root's record of the boot says that this dump was taken
  bool is_in_spool = false;           // or was, until somebody took it away since it was saved
};

enum class DumpAction {
  take,        // save it in the spool
  finish,      // it is saved: clear the region
  keep_apart,  // save it in the part of the spool that is for what nothing proves
  leave,       // touch nothing
  refuse,
};

struct DumpVerdict {
  DumpAction action = DumpAction::leave;
  Refusal refusal = Refusal::none;  // only with `refuse`
  bool operator==(const DumpVerdict&) const = default;
};

DumpVerdict judge_dump(const DumpEvidence& evidence, Unauthenticated asked);

}  // namespace warmdump
