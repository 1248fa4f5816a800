#include "arm/plan/plan_json.h"

#include <nlohmann/json.hpp>

namespace warmdump {
namespace {

using Json = nlohmann::ordered_json;

// To be raised when a field goes or changes its meaning; new fields do not count.
constexpr int kJsonVersion = 1;

Json json_of(const AddressRange& range) {
  return {{"start", range.start}, {"size", range.size}};
}

template <class T>
Json json_or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

}  // namespace

std::string plan_json(const RegionPlan& plan) {
  Json refused = Json::array();
  for (const RefusedPlace& place : plan.refused) {
    refused.push_back({{"start", place.range.start},
                       {"size", place.range.size},
                       {"kind", refusal_name(place.kind)},
                       {"reason", place.reason}});
  }
  const Json document = {
      {"version", kJsonVersion},
      {"supported", plan.instead_of_options.empty()},
      {"region", json_of(plan.region)},
      {"active", plan.active},
      {"node", json_or_null(plan.node)},
      {"memory_block_size", plan.block_size},
      {"ram_size", plan.ram_size},
      {"returned_size", plan.returned_size},
      {"never_returned", plan.never_returned},
      {"struct_page_size", plan.struct_page_size},
      {"running_command_line", plan.running_options},
      {"crash_command_line", plan.crash_options},
      {"device_tree", plan.instead_of_options},
      {"reasons", plan.reasons},
      {"runner_up", plan.runner_up ? json_of(*plan.runner_up) : Json(nullptr)},
      {"warnings", plan.warnings},
      {"unknown", plan.unknown},
      {"refused", refused},
  };
  return document.dump(2) + "\n";
}

}  // namespace warmdump
