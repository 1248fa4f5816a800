#include "selftest/retention/retention_result.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "common/hosted/byte_count_text.h"

namespace warmdump {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kSpoiled = "spoiled";
constexpr std::size_t kRangesShown = 16;

Json as_json(const RetentionRange& range) {
  return {{"start", range.start},
          {"end", range.end},
          {"fate", page_fate_name(range.fate)},
          {"pages", range.pages},
          {"bit_errors", range.bit_errors}};
}

std::string machine_text(const Json& machine) {
  const auto value = [&](const char* key) { return machine.value(key, std::string("?")); };
  return fmt::format("{} {}, firmware {} {} of {} ({}), kernel {}", value("machine_vendor"), value("machine"),
                     value("firmware_vendor"), value("firmware_version"), value("firmware_date"),
                     value("firmware"), value("kernel"));
}

std::string verdict_text(const Json& result) {
  const std::string verdict = result.at("verdict");
  if (verdict == kSpoiled) return "not known: " + result.at("reason").get<std::string>();
  PageCount total = 0;
  for (const auto& [fate, count] : result.at("pages").items()) total += count.get<PageCount>();
  const PageCount intact = result.at("pages").value("intact", PageCount{0});
  const std::string kept =
      readable_byte_count(intact * kPageSize) + " of " + readable_byte_count(total * kPageSize);
  if (verdict == "retained")
    return "memory survives a warm reset: " + kept + " checked, not one bit has changed";
  if (verdict == "lost") return "memory does not survive a warm reset: " + kept + " was kept; no dump can be";
  return fmt::format(
      "memory survives a warm reset only in part: {} was kept; {} bit errors; damage from {:#x} to {:#x}",
      kept, result.at("bit_errors").get<std::uint64_t>(), result.at("first_damage").get<ByteCount>(),
      result.at("damage_end").get<ByteCount>());
}

std::string range_text(const Json& range) {
  return fmt::format("  {:#x} to {:#x}: {}, {} pages, {} bit errors", range.at("start").get<ByteCount>(),
                     range.at("end").get<ByteCount>(), range.at("fate").get<std::string>(),
                     range.at("pages").get<PageCount>(), range.at("bit_errors").get<std::uint64_t>());
}

}  // namespace

Json as_json(const RetentionResult& result) {
  const RetentionFindings& findings = result.findings;
  Json json = {{"id", fmt::format("{:016x}", result.test.seed)},
               {"verdict", result.spoiled.empty() ? retention_verdict_name(findings.verdict()) : kSpoiled},
               {"time", result.finished_at},
               {"region", {{"start", result.test.region_start}, {"size", result.test.region_size}}},
               {"machine", result.test.machine},
               {"reset", result.test.reset}};
  if (!result.spoiled.empty()) {
    json["reason"] = result.spoiled;
    return json;
  }
  for (std::size_t fate = 0; fate < kPageFateCount; ++fate) {
    json["pages"][page_fate_name(static_cast<PageFate>(fate))] = findings.pages[fate];
  }
  json["bit_errors"] = findings.bit_errors;
  json["first_damage"] = findings.first_damage;
  json["damage_end"] = findings.damage_end;
  json["ranges"] = Json::array();
  for (const RetentionRange& range : findings.ranges) json["ranges"].push_back(as_json(range));
  json["ranges_left_out"] = findings.ranges_left_out;
  json["header_retained"] = result.is_header_retained;
  return json;
}

std::vector<std::string> retention_text(const Json& result) {
  std::vector<std::string> lines{verdict_text(result), machine_text(result.at("machine"))};
  if (!result.contains("ranges")) return lines;
  const Json& ranges = result.at("ranges");
  for (std::size_t i = 0; i < ranges.size() && i < kRangesShown; ++i) lines.push_back(range_text(ranges[i]));
  const std::uint64_t more = result.at("ranges_left_out").get<std::uint64_t>() +
                             (ranges.size() > kRangesShown ? ranges.size() - kRangesShown : 0);
  if (more > 0) lines.push_back(fmt::format("  and {} more ranges", more));
  if (!result.at("header_retained").get<bool>())
    lines.emplace_back("  the header of the region was lost, too");
  return lines;
}

}  // namespace warmdump
