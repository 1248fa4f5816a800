#include "recover/dump/dump_trust.h"

#include <algorithm>
#include <iterator>

namespace warmdump {
namespace {

struct RefusalWords {
  Refusal refusal;
  const char* name;
  const char* text;
};

// To add one: a value of Refusal, a line here, one in warmdump-recover(8). Names are stored in region headers
// and outcomes, and never change.
constexpr RefusalWords kRefusals[] = {
    {Refusal::forged, "forged", "it claims the seal of a boot of this machine, and does not have it"},
    {Refusal::unsealed, "unsealed", "it has no seal, and every dump of this machine has one"},
    {Refusal::unknown_boot, "unknown boot", "it is of a boot of which this machine has no record"},
    {Refusal::replayed, "replayed", "this dump was saved before: somebody put it back"},
    {Refusal::planted, "planted",
     "no capture began, by the header of the region, and no seal says otherwise"},
    {Refusal::unauthenticated, "unauthenticated",
     "this machine has no record of an armed boot to judge it by, and unauthenticated = \"wipe\" is set"},
};

const RefusalWords* words_of(Refusal refusal) {
  const auto* const found = std::find_if(std::begin(kRefusals), std::end(kRefusals),
                                         [&](const auto& words) { return words.refusal == refusal; });
  return found == std::end(kRefusals) ? nullptr : found;
}

DumpVerdict refuse(Refusal refusal) {
  return {DumpAction::refuse, refusal};
}

DumpVerdict judge_sealed(const DumpEvidence& evidence) {
  if (evidence.is_in_spool) return {DumpAction::finish};
  // Whoever names a file by hand may well do it again.
  if (evidence.is_noted && evidence.is_own_region) return refuse(Refusal::replayed);
  return {DumpAction::take};
}

DumpVerdict judge_unprovable(const DumpEvidence& evidence, Unauthenticated asked) {
  switch (asked) {
    case Unauthenticated::ask:
      break;
    case Unauthenticated::keep:
      return {evidence.is_in_spool ? DumpAction::finish : DumpAction::keep_apart};
    case Unauthenticated::wipe:
      return refuse(Refusal::unauthenticated);
  }
  return {DumpAction::leave};
}

}  // namespace

std::optional<Unauthenticated> parse_unauthenticated(std::string_view word) {
  if (word == "ask") return Unauthenticated::ask;
  if (word == "keep") return Unauthenticated::keep;
  if (word == "wipe") return Unauthenticated::wipe;
  return std::nullopt;
}

const char* refusal_name(Refusal refusal) {
  const RefusalWords* const words = words_of(refusal);
  return words == nullptr ? "" : words->name;
}

const char* refusal_text(Refusal refusal) {
  const RefusalWords* const words = words_of(refusal);
  return words == nullptr ? "" : words->text;
}

Refusal parse_refusal(std::string_view name) {
  const auto* const found = std::find_if(std::begin(kRefusals), std::end(kRefusals),
                                         [&](const auto& words) { return words.name == name; });
  return found == std::end(kRefusals) ? Refusal::none : found->refusal;
}

DumpVerdict judge_dump(const DumpEvidence& evidence, Unauthenticated asked) {
  if (evidence.is_forged) return refuse(Refusal::forged);
  switch (evidence.authenticity) {
    case Authenticity::sealed:
      return judge_sealed(evidence);
    case Authenticity::unsealed:
      if (!evidence.is_own_region) break;
      return refuse(Refusal::unsealed);
    case Authenticity::unknown_boot:
      if (!evidence.is_own_region || evidence.is_record_unreadable) break;
      return refuse(Refusal::unknown_boot);
    case Authenticity::unchecked:
      break;
  }
  return judge_unprovable(evidence, asked);
}

}  // namespace warmdump
