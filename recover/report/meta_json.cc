#include "recover/report/meta_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/dump_format/dump_state.h"
#include "recover/report/json_exchange.h"

namespace warmdump {

using Json = nlohmann::ordered_json;

// Found by nlohmann::json through their argument.
static void to_json(Json& json, const PhaseSummary& phase) {
  json = {{"name", phase.name}, {"data", phase.data}, {"zero", phase.zero}, {"bytes", phase.bytes}};
}

static void from_json(const Json& json, PhaseSummary& phase) {
  json.at("name").get_to(phase.name);
  json.at("data").get_to(phase.data);
  json.at("zero").get_to(phase.zero);
  json.at("bytes").get_to(phase.bytes);
}

namespace {

// Each structure is described once, by a function that visits its members with their keys: `Exchange` is
// JsonWriter or JsonReader, so that both always agree.

template <class Exchange>
void exchange_region(Exchange& exchange, RegionSummary& region) {
  exchange("state", region.state);
  exchange("phase", region.phase);
  exchange("error", region.error);
  exchange("errno", region.system_errno);
  exchange("error_text", region.error_text);
  exchange("captures_refused", region.captures_refused);
  exchange("start", region.region_start);
  exchange("size", region.region_size);
  exchange("capture_ms", region.capture_ms);
  exchange("frames_damaged", region.frames_damaged);
  exchange("frames_rewritten", region.frames_rewritten);
  exchange("frames_unrepaired", region.frames_unrepaired);
  exchange("check_passes", region.check_passes);
  exchange("headers_rewritten", region.headers_rewritten);
  exchange("crash_kernel_memory_total", region.memory_total);
  exchange("crash_kernel_memory_free_min", region.memory_free_min);
}

template <class Exchange>
void exchange_kernel(Exchange& exchange, DumpSummary& summary) {
  exchange("system", summary.kernel.system_name);
  exchange("node", summary.kernel.node_name);
  exchange("release", summary.kernel.release);
  exchange("version", summary.kernel.version);
  exchange("machine", summary.kernel.machine);
  exchange("domain", summary.kernel.domain_name);
  exchange("build_id", summary.build_id);
}

template <class Exchange>
void exchange_counts(Exchange& exchange, ClassCounts& counts) {
  exchange("pages", counts.pages);
  exchange("kept", counts.kept);
  exchange("data", counts.data);
  exchange("zero", counts.zero);
  exchange("excluded", counts.excluded);
  exchange("lost", counts.lost);
}

std::string key_of(std::string name) {
  std::replace(name.begin(), name.end(), ' ', '_');
  return name;
}

template <class Exchange>
void exchange_pages(Exchange& exchange, PageCounts& pages) {
  exchange.object("total", [&](auto& inner) { exchange_counts(inner, pages.total); });
  exchange.object("classes", [&](auto& classes) {
    for (std::size_t index = 0; index < pages.classes.size(); ++index) {
      const auto page_class = static_cast<dump_format::PageClass>(index);
      classes.object(key_of(dump_format::page_class_name(page_class)).c_str(),
                     [&](auto& inner) { exchange_counts(inner, pages.classes[index]); });
    }
  });
  exchange.object("lost_by_reason", [&](auto& reasons) {
    for (std::size_t index = 1; index < pages.lost_by_reason.size(); ++index) {
      reasons(key_of(lost_reason_name(static_cast<LostReason>(index))).c_str(), pages.lost_by_reason[index]);
    }
  });
}

template <class Exchange>
void exchange_damage(Exchange& exchange, DamageReport& damage) {
  exchange("header_lost", damage.header_lost);
  exchange("frames", damage.scan.frames);
  exchange("damaged_ranges", damage.scan.damaged_ranges);
  exchange("damaged_bytes", damage.scan.damaged_bytes);
  exchange("first_damage", damage.scan.first_damage);
  exchange("missing_frames", damage.scan.missing_frames);
  exchange("unreadable_bytes", damage.scan.unreadable_bytes);
  exchange("truncated_bytes", damage.scan.truncated_bytes);
  exchange("invalid_frames", damage.invalid_frames);
  exchange("unknown_frames", damage.unknown_frames);
  exchange("pages_outside", damage.pages_outside);
  exchange("end_frame_found", damage.scan.end_frame_found);
}

template <class Exchange>
void exchange_log(Exchange& exchange, DumpSummary& summary) {
  exchange("records", summary.log_records);
  exchange("unfinished", summary.log_unfinished);
  exchange("lost", summary.log_lost);
  exchange("error", summary.log_error);
}

template <class Exchange>
void exchange_trace(Exchange& exchange, CrashTrace& trace) {
  exchange("reason", trace.reason);
  exchange("registers", trace.registers);
  exchange("function", trace.function);
  exchange("frames", trace.frames);
}

template <class Exchange>
void exchange_signature(Exchange& exchange, CrashSignature& signature) {
  exchange("version", signature.version);
  exchange("key", signature.key);
  exchange("text", signature.text);
  exchange("chromeos", signature.chromeos);
}

template <class Exchange>
void exchange_summary(Exchange& exchange, DumpSummary& summary) {
  exchange("complete", summary.complete);
  exchange("completeness", summary.completeness);
  exchange("authenticity", summary.authenticity);
  exchange("encrypted", summary.encrypted);
  exchange("key_id", summary.key_id);
  exchange("redacted", summary.redacted);
  exchange("layout", summary.layout);
  exchange("files", summary.files);
  exchange("panic_text", summary.panic_text);
  exchange.object("signature", [&](auto& inner) { exchange_signature(inner, summary.signature); });
  exchange.object("trace", [&](auto& inner) { exchange_trace(inner, summary.trace); });
  exchange("crash_time", summary.crash_time_s);
  exchange.object("kernel", [&](auto& inner) { exchange_kernel(inner, summary); });
  exchange("cpus", summary.cpu_count);
  exchange("dump_level", summary.dump_level);
  exchange("bytes_raw", summary.bytes_raw);
  exchange("bytes_stored", summary.bytes_stored);
  exchange("vmcore_size", summary.vmcore_size);
  exchange.object("pages", [&](auto& inner) { exchange_pages(inner, summary.pages); });
  exchange("phases", summary.phases);
  exchange("missing_parts", summary.missing_parts);
  exchange.object("damage", [&](auto& inner) { exchange_damage(inner, summary.damage); });
  exchange.object("log", [&](auto& inner) { exchange_log(inner, summary); });
  exchange.object("region", [&](auto& inner) { exchange_region(inner, summary.region); });
  exchange("capture_info", summary.capture_info);
  exchange("timings_ms", summary.timings_ms);
}

std::string print(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string to_json(const DumpSummary& summary) {
  JsonWriter writer;
  DumpSummary copy = summary;
  writer.json["schema"] = kMetaSchema;
  exchange_summary(writer, copy);
  return print(writer.json);
}

std::string to_json(const RegionSummary& region) {
  JsonWriter writer;
  RegionSummary copy = region;
  writer.json["schema"] = kMetaSchema;
  writer.object("region", [&](auto& inner) { exchange_region(inner, copy); });
  return print(writer.json);
}

Outcome<DumpSummary> parse_meta_json(std::string_view text) {
  try {
    const Json json = Json::parse(text);
    const int schema = json.at("schema").get<int>();
    if (schema > kMetaSchema) {
      return Failure(ErrorCode::unsupported,
                     fmt::format("meta.json has schema {}, this version knows {}", schema, kMetaSchema));
    }
    DumpSummary summary;
    JsonReader reader(json);
    exchange_summary(reader, summary);
    return summary;
  } catch (const nlohmann::json::exception& error) {
    return Failure(ErrorCode::corrupt, fmt::format("meta.json is damaged: {}", error.what()));
  }
}

}  // namespace warmdump
