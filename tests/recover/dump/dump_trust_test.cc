#include "recover/dump/dump_trust.h"

#include <gtest/gtest.h>

namespace warmdump::test {
namespace {

constexpr DumpVerdict kTake{DumpAction::take}, kFinish{DumpAction::finish}, kApart{DumpAction::keep_apart},
    kLeave{DumpAction::leave};

constexpr DumpVerdict refused(Refusal refusal) {
  return {DumpAction::refuse, refusal};
}

constexpr Authenticity kSealed = Authenticity::sealed, kUnsealed = Authenticity::unsealed,
                       kUnknown = Authenticity::unknown_boot, kUnchecked = Authenticity::unchecked;

TEST(DumpTrust, every_row_of_the_table) {
  const struct {
    const char* what;
    DumpEvidence evidence;
    DumpVerdict asked, kept, wiped;  // by what is asked for
  } rows[] = {
      {"genuine", {.authenticity = kSealed}, kTake, kTake, kTake},
      {"saved, and killed before the note",
       {.authenticity = kSealed, .is_in_spool = true},
       kFinish,
       kFinish,
       kFinish},
      {"saved and noted, and killed before the header",
       {.authenticity = kSealed, .is_noted = true, .is_in_spool = true},
       kFinish,
       kFinish,
       kFinish},
      {"put back",
       {.authenticity = kSealed, .is_noted = true},
       refused(Refusal::replayed),
       refused(Refusal::replayed),
       refused(Refusal::replayed)},
      {"the same file again",
       {.authenticity = kSealed, .is_own_region = false, .is_noted = true},
       kTake,
       kTake,
       kTake},
      {"wrong seal",
       {.is_forged = true},
       refused(Refusal::forged),
       refused(Refusal::forged),
       refused(Refusal::forged)},
      {"wrong seal in a file",
       {.is_forged = true, .is_own_region = false},
       refused(Refusal::forged),
       refused(Refusal::forged),
       refused(Refusal::forged)},
      {"no seal",
       {.authenticity = kUnsealed},
       refused(Refusal::unsealed),
       refused(Refusal::unsealed),
       refused(Refusal::unsealed)},
      {"no seal, with the id of a dump in the spool",
       {.authenticity = kUnsealed, .is_in_spool = true},
       refused(Refusal::unsealed),
       refused(Refusal::unsealed),
       refused(Refusal::unsealed)},
      {"unknown boot",
       {.authenticity = kUnknown},
       refused(Refusal::unknown_boot),
       refused(Refusal::unknown_boot),
       refused(Refusal::unknown_boot)},
      {"a boot whose record is damaged",
       {.authenticity = kUnknown, .is_record_unreadable = true},
       kLeave,
       kApart,
       refused(Refusal::unauthenticated)},
      {"a file without seal",
       {.authenticity = kUnsealed, .is_own_region = false},
       kLeave,
       kApart,
       refused(Refusal::unauthenticated)},
      {"a file of another machine",
       {.authenticity = kUnknown, .is_own_region = false},
       kLeave,
       kApart,
       refused(Refusal::unauthenticated)},
      {"no secret at all", {.authenticity = kUnchecked}, kLeave, kApart, refused(Refusal::unauthenticated)},
      {"no secret, and saved before it was lost",
       {.authenticity = kUnchecked, .is_in_spool = true},
       kLeave,
       kFinish,
       refused(Refusal::unauthenticated)},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(judge_dump(row.evidence, Unauthenticated::ask), row.asked) << row.what;
    EXPECT_EQ(judge_dump(row.evidence, Unauthenticated::keep), row.kept) << row.what;
    EXPECT_EQ(judge_dump(row.evidence, Unauthenticated::wipe), row.wiped) << row.what;
  }
}

TEST(DumpTrust, only_a_right_seal_leads_into_the_spool) {
  for (const Authenticity authenticity : {kUnsealed, kUnknown, kUnchecked}) {
    for (unsigned bits = 0; bits < 32; ++bits) {
      const DumpEvidence evidence{.authenticity = authenticity,
                                  .is_forged = (bits & 1) != 0,
                                  .is_record_unreadable = (bits & 2) != 0,
                                  .is_own_region = (bits & 4) != 0,
                                  .is_noted = (bits & 8) != 0,
                                  .is_in_spool = (bits & 16) != 0};
      for (const auto asked : {Unauthenticated::ask, Unauthenticated::keep, Unauthenticated::wipe})
        EXPECT_NE(judge_dump(evidence, asked).action, DumpAction::take);
    }
  }
}

TEST(DumpTrust, words_are_read_as_they_are_written) {
  for (const Refusal refusal : {Refusal::forged, Refusal::unsealed, Refusal::unknown_boot, Refusal::replayed,
                                Refusal::planted, Refusal::unauthenticated}) {
    EXPECT_EQ(parse_refusal(refusal_name(refusal)), refusal);
    EXPECT_STRNE(refusal_text(refusal), "");
  }
  EXPECT_EQ(parse_refusal("cannot read"), Refusal::none);
  EXPECT_EQ(parse_unauthenticated("keep"), Unauthenticated::keep);
  EXPECT_EQ(parse_unauthenticated("refuse"), std::nullopt);
}

}  // namespace
}  // namespace warmdump::test
