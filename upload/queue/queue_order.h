// In which order dumps are sent: what failed before goes behind what did not, the less often the earlier; the
// first of each kind of crash before more of the same; then the oldest first. So nothing that fails holds
// others up, and nothing waits for ever.

#pragma once

#include <cstddef>
#include <ctime>
#include <span>
#include <string>
#include <vector>

namespace warmdump {

struct OrderFacts {
  std::string signature = {};  // of the crash; empty: of a kind of its own
  std::time_t time = 0;        // of the crash
  std::string name = {};
  unsigned failures = 0;
  bool waits = true;     // it is to be sent
  bool is_past = false;  // it was sent: more of its kind are not the first
};

// Indices of those in `dumps` that wait.
std::vector<std::size_t> send_order(std::span<const OrderFacts> dumps);

}  // namespace warmdump
