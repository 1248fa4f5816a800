// Does the vmcore follow the report? Settings, what the server asks for, and how many of the same crash were
// sent.

#pragma once

#include <optional>

#include "upload/destination/destination.h"

namespace warmdump {

enum class PagesPolicy {
  always,  // unless the server says that it wants nothing
  asked,   // when the server asks for them
  never,   // whatever the server says
};

enum class PagesDecision {
  send,
  ask_later,    // the server has not decided
  report_only,  // for good
};

struct PagesFacts {
  PagesPolicy policy = PagesPolicy::always;
  std::optional<Destination::Want> answer = {};  // empty: the server says nothing
  unsigned sent_today = 0;     // others of the same signature whose pages were sent within a day
  unsigned per_signature = 3;  // 0: no limit
};

// A server that asks for this very dump is not held by the limit of a signature.
PagesDecision decide_pages(const PagesFacts& facts);

}  // namespace warmdump
