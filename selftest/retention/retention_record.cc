#include "selftest/retention/retention_record.h"

#include <nlohmann/json.hpp>

namespace warmdump {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kRequested = "requested";
constexpr const char* kWritten = "written";

RetentionRecord parse(const Json& json) {
  RetentionRecord record;
  record.stage = json.at("stage") == kWritten ? RetentionStage::written : RetentionStage::requested;
  json.at("seed").get_to(record.seed);
  json.at("automatic").get_to(record.is_automatic);
  json.at("region").get_to(record.region);
  json.at("requested_at").get_to(record.requested_at);
  json.at("requested_boot_id").get_to(record.requested_boot_id);
  if (record.stage == RetentionStage::requested) return record;
  json.at("written_at").get_to(record.written_at);
  json.at("written_boot_id").get_to(record.written_boot_id);
  json.at("region_start").get_to(record.region_start);
  json.at("region_size").get_to(record.region_size);
  json.at("machine").get_to(record.machine);
  json.at("reset").get_to(record.reset);
  return record;
}

}  // namespace

Outcome<std::optional<RetentionRecord>> load_retention_record(const StateDirectory& state) {
  const auto json = TRY(state.load(kRetentionFile));
  if (!json) return std::optional<RetentionRecord>();
  try {
    return std::optional(parse(*json));
  } catch (const Json::exception& error) {
    return Failure(ErrorCode::corrupt,
                   state.path_of(kRetentionFile) + " is damaged; remove it (" + error.what() + ")");
  }
}

Outcome<void> store_retention_record(const StateDirectory& state, const RetentionRecord& record) {
  Json json = {
      {"stage", record.stage == RetentionStage::written ? kWritten : kRequested},
      {"seed", record.seed},
      {"automatic", record.is_automatic},
      {"region", record.region},
      {"requested_at", record.requested_at},
      {"requested_boot_id", record.requested_boot_id},
  };
  if (record.stage == RetentionStage::written) {
    json["written_at"] = record.written_at;
    json["written_boot_id"] = record.written_boot_id;
    json["region_start"] = record.region_start;
    json["region_size"] = record.region_size;
    json["machine"] = record.machine;
    json["reset"] = record.reset;
  }
  return state.store(kRetentionFile, std::move(json));
}

}  // namespace warmdump
