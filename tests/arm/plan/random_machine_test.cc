// The judge looks at the plans of machines made at random. WARMDUMP_FUZZ_SEED and WARMDUMP_FUZZ_ROUNDS look
// at others.

#include "tests/arm/plan/random_machine.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <map>

#include "arm/plan/plan_json.h"
#include "tests/arm/plan/plan_judge.h"

namespace warmdump {
namespace {

std::uint64_t environment_number(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::string description(const RandomRequest& request) {
  std::string text;
  for (const MapEntry& entry : request.machine.map.entries) {
    text += std::string(entry.depth * 2, ' ') + address_range_text(entry.range) + " : " + entry.name + "\n";
  }
  return text;
}

TEST(RandomMachines, are_planned_as_the_judge_allows) {
  const std::uint64_t seed = environment_number("WARMDUMP_FUZZ_SEED", 1);
  const std::uint64_t rounds = environment_number("WARMDUMP_FUZZ_ROUNDS", 2000);
  std::map<std::string, unsigned> seen;
  for (std::uint64_t round = 0; round < rounds; ++round) {
    const RandomRequest request = random_request(seed * 1000003 + round);
    const auto plan = plan_region({request.machine, request.size});
    const auto objections = objections_to_plan(request.machine, request.size, plan);
    ASSERT_THAT(objections, testing::IsEmpty())
        << "seed " << seed << ", round " << round << ", size " << request.size.value_or(0) << ", block size "
        << request.machine.block_size << "\n"
        << description(request) << (plan.has_value() ? plan_json(*plan) : plan.error().message);
    if (!plan.has_value()) {
      ++seen[plan.error().code == ErrorCode::no_space ? "no place" : "no sense"];
    } else {
      ++seen[plan->active ? "kept" : plan->region.start < 4 * kGiB ? "low" : "high"];
      if (plan->runner_up) ++seen["second best"];
      for (const RefusedPlace& place : plan->refused) ++seen[refusal_name(place.kind)];
    }
  }
  if (rounds < 1000) return;
  for (const char* outcome :
       {"no place", "no sense", "kept", "low", "high", "second best", "occupied", "crash-kernel", "initrd",
        "added-later", "hot-pluggable", "movable", "offline", "without-node", "too-small"}) {
    EXPECT_GT(seen[outcome], 20U) << outcome << " hardly ever happens: the machines are too much alike";
  }
}

}  // namespace
}  // namespace warmdump
