#include "upload/queue/queue_order.h"

#include <algorithm>
#include <numeric>
#include <set>
#include <tuple>

namespace warmdump {

std::vector<std::size_t> send_order(std::span<const OrderFacts> dumps) {
  std::vector<std::size_t> by_age(dumps.size());
  std::iota(by_age.begin(), by_age.end(), std::size_t{0});
  std::sort(by_age.begin(), by_age.end(), [&](std::size_t a, std::size_t b) {
    return std::tie(dumps[a].time, dumps[a].name) < std::tie(dumps[b].time, dumps[b].name);
  });

  std::set<std::string> seen;
  for (const auto& dump : dumps) {
    if (dump.is_past && !dump.signature.empty()) seen.insert(dump.signature);
  }
  std::vector<bool> is_first(dumps.size());
  std::vector<std::size_t> order;
  for (const std::size_t index : by_age) {
    if (!dumps[index].waits) continue;
    const auto& signature = dumps[index].signature;
    is_first[index] = signature.empty() || seen.insert(signature).second;
    order.push_back(index);
  }
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return std::tuple(dumps[a].failures, !is_first[a]) < std::tuple(dumps[b].failures, !is_first[b]);
  });
  return order;
}

}  // namespace warmdump
