#include "arm/estimate/estimated_plan.h"

#include <fmt/format.h>

#include "common/hosted/byte_count_text.h"

namespace warmdump {
namespace {

std::string reason_of(const DumpEstimate& estimate, const RecommendedRegion& wanted) {
  return fmt::format("a dump of this system takes {} {}now; {} times that for growth, 1/{} of RAM at least",
                     readable_byte_count(wanted.dump), estimate.why_unmeasured.empty() ? "" : "or so ",
                     kGrowthFactor, kRamShareMin);
}

RegionPlan sized_because(RegionPlan plan, const std::string& reason) {
  plan.reasons.insert(plan.reasons.begin(), "size: " + reason);
  return plan;
}

}  // namespace

Outcome<RegionPlan> plan_for_estimate(PlanRequest request, const Outcome<DumpEstimate>& estimate) {
  request.size.reset();
  RegionPlan plan = TRY(plan_region(request));
  if (!estimate.has_value()) {
    return sized_because(std::move(plan),
                         "a share of RAM, because no estimate could be made: " + estimate.error().message);
  }
  const RecommendedRegion wanted = recommended_region(*estimate, request.machine.block_size);
  if (plan.active) {
    if (plan.region.size < wanted.unrounded) {
      plan.warnings.push_back(
          fmt::format("the region that is there is smaller than recommended ({}): {}; choose another with "
                      "--size",
                      exact_byte_count(wanted.size), reason_of(*estimate, wanted)));
    }
    return plan;
  }
  request.size = wanted.size;
  auto sized = plan_region(request);
  if (!sized.has_value()) {
    plan.warnings.push_back(fmt::format("{}, which is {}: {}", reason_of(*estimate, wanted),
                                        exact_byte_count(wanted.size), sized.error().message));
    return plan;
  }
  return sized_because(std::move(*sized), reason_of(*estimate, wanted));
}

}  // namespace warmdump
