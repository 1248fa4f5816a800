#include "recover/outcome/boot_outcome.h"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>

#include "recover/report/json_exchange.h"

namespace warmdump {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kTextMax = 400;

constexpr std::array kKindNames = {
    "not_recovered",      "unknown",        "no_crash", "unclean_shutdown", "refused",
    "crash_without_dump", "crash_and_dump",
};

// Each structure is described once, by a function that visits its members with their keys.

constexpr auto kPrevious = [](auto& exchange, BootOutcome::Previous& previous) {
  exchange("boot_id", previous.boot_id);
  exchange("ended", previous.ended);
  exchange("lasted_s", previous.lasted_s);
  exchange("armed", previous.armed);
  exchange("boots_without_line", previous.boots_without_line);
};

constexpr auto kCrash = [](auto& exchange, BootOutcome::Crash& crash) {
  exchange("boot_id", crash.boot_id);
  exchange("time", crash.time_s);
  exchange("uptime_s", crash.uptime_s);
  exchange("panic", crash.panic);
  exchange("panic_from", crash.panic_from);
  exchange("reset_reason", crash.reset_reason);
  exchange("reset_from", crash.reset_from);
};

constexpr auto kCapture = [](auto& exchange, BootOutcome::Capture& capture) {
  exchange("state", capture.state);
  exchange("phase", capture.phase);
  exchange("error", capture.error);
  exchange("errno", capture.system_errno);
  exchange("error_text", capture.error_text);
};

constexpr auto kDump = [](auto& exchange, BootOutcome::Dump& dump) {
  exchange("id", dump.id);
  exchange("directory", dump.directory);
  exchange("sent_to", dump.sent_to);
  exchange("bytes", dump.bytes);
  exchange("complete", dump.complete);
  exchange("completeness", dump.completeness);
  exchange("authenticity", dump.authenticity);
  exchange("signature", dump.signature);
};

constexpr auto kRegion = [](auto& exchange, BootOutcome::Region& region) {
  exchange("name", region.name);
  exchange("start", region.start);
  exchange("size", region.size);
  exchange("was_system_ram", region.was_system_ram);
  exchange("wiped", region.wiped);
  exchange("returned", region.returned);
};

constexpr auto kTrouble = [](auto& exchange, BootOutcome::Trouble& trouble) {
  exchange("code", trouble.code);
  exchange("message", trouble.message);
};

constexpr auto kLoop = [](auto& exchange, BootOutcome::CrashLoop& loop) {
  exchange("stands", loop.stands);
  exchange("crashes", loop.crashes);
  exchange("window_s", loop.window_s);
};

template <class Exchange>
void exchange_outcome(Exchange& exchange, BootOutcome& outcome) {
  exchange("reason", outcome.reason);
  exchange.object("previous_boot", outcome.previous, kPrevious);
  exchange.object("crash", outcome.crash, kCrash);
  exchange.object("capture", outcome.capture, kCapture);
  exchange.object("dump", outcome.dump, kDump);
  exchange.object("region", outcome.region, kRegion);
  exchange.object("failure", outcome.failure, kTrouble);
  exchange.object("return_failure", outcome.return_failure, kTrouble);
  exchange.object("crash_loop", outcome.crash_loop, kLoop);
  exchange("timings_ms", outcome.timings_ms);
}

}  // namespace

const char* outcome_kind_name(OutcomeKind kind) {
  return kKindNames.at(static_cast<std::size_t>(kind));
}

std::optional<OutcomeKind> parse_outcome_kind(std::string_view name) {
  for (std::size_t i = 0; i < kKindNames.size(); ++i) {
    if (name == kKindNames.at(i)) return static_cast<OutcomeKind>(i);
  }
  return std::nullopt;
}

bool is_crash(OutcomeKind kind) {
  return kind == OutcomeKind::crash_and_dump || kind == OutcomeKind::crash_without_dump;
}

std::string outcome_line(const BootOutcome& outcome) {
  JsonWriter writer({.size_max = kTextMax, .omits_empty = true});
  BootOutcome copy = outcome;
  writer.json["schema"] = kOutcomeSchema;
  writer.json["time"] = copy.time;
  writer.json["boot_id"] = copy.boot_id;
  writer.json["tries"] = copy.tries;
  writer.json["outcome"] = outcome_kind_name(copy.outcome);
  exchange_outcome(writer, copy);
  return writer.json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Outcome<BootOutcome> parse_outcome_line(std::string_view line) {
  try {
    const Json json = Json::parse(line);
    if (json.at("schema").get<unsigned>() > kOutcomeSchema) {
      return Failure(ErrorCode::unsupported, "a line was written by a newer warmdump");
    }
    BootOutcome outcome;
    json.at("time").get_to(outcome.time);
    json.at("boot_id").get_to(outcome.boot_id);
    json.at("tries").get_to(outcome.tries);
    const auto kind = parse_outcome_kind(json.at("outcome").get<std::string>());
    if (!kind) return Failure(ErrorCode::corrupt, "a line has an unknown outcome");
    outcome.outcome = *kind;
    JsonReader reader(json);
    exchange_outcome(reader, outcome);
    return outcome;
  } catch (const nlohmann::json::exception& error) {
    return Failure(ErrorCode::corrupt, fmt::format("a line is damaged: {}", error.what()));
  }
}

}  // namespace warmdump
