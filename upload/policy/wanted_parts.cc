#include "upload/policy/wanted_parts.h"

namespace warmdump {

PagesDecision decide_pages(const PagesFacts& facts) {
  using Want = Destination::Want;
  if (facts.policy == PagesPolicy::never || facts.answer == Want::nothing) return PagesDecision::report_only;
  if (facts.answer == Want::dump) return PagesDecision::send;
  if (facts.answer == Want::later || facts.policy == PagesPolicy::asked) return PagesDecision::ask_later;
  const bool is_enough = facts.per_signature > 0 && facts.sent_today >= facts.per_signature;
  return is_enough ? PagesDecision::report_only : PagesDecision::send;
}

}  // namespace warmdump
