#include "arm/status/retention_outcome.h"

#include <nlohmann/json.hpp>

namespace warmdump {
namespace {

constexpr const char* kFile = "/var/lib/warmdump/selftest.json";

// Empty for what is no text.
std::string text_of(const nlohmann::json& object, const char* key) {
  if (!object.is_object()) return {};
  const auto value = object.find(key);
  return value != object.end() && value->is_string() ? value->get<std::string>() : std::string();
}

}  // namespace

Outcome<RetentionOutcome> read_retention_outcome(const MachineFiles& files) {
  const std::string text = TRY(files.read(kFile));
  const auto document = nlohmann::json::parse(text, nullptr, false);
  if (!document.is_object()) return Failure(ErrorCode::corrupt, std::string(kFile) + " is not a JSON object");
  const auto retention = document.find("retention");
  if (retention == document.end()) return Failure(ErrorCode::not_found, "no retention test was run");
  RetentionOutcome outcome{text_of(*retention, "verdict")};
  if (outcome.word.empty()) {
    return Failure(ErrorCode::corrupt, std::string(kFile) + ": \"retention.verdict\" is missing");
  }
  const auto machine = retention->find("machine");
  std::string firmware = files.line_or_empty("/sys/class/dmi/id/bios_version");
  while (firmware.ends_with(' ')) firmware.pop_back();
  outcome.of_this_firmware = machine == retention->end() || text_of(*machine, "firmware_version") == firmware;
  return outcome;
}

}  // namespace warmdump
