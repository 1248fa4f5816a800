#include "upload/source/dump_facts.h"

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>

namespace warmdump {
namespace {

using nlohmann::json;

constexpr std::size_t kSignatureMax = 128;

std::string text_in(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

DumpFacts dump_facts(std::string_view meta_json) {
  DumpFacts facts;
  const json meta = json::parse(meta_json, nullptr, false);
  if (!meta.is_object()) return facts;
  const auto signature = meta.find("signature");
  if (signature != meta.end() && signature->is_object()) facts.signature = text_in(*signature, "key");
  if (facts.signature.empty()) facts.signature = text_in(meta, "panic_text");
  facts.signature.resize(std::min(facts.signature.size(), kSignatureMax));
  const auto time = meta.find("crash_time");
  constexpr std::uint64_t kTimeMax = std::numeric_limits<std::int32_t>::max() * std::uint64_t{64};
  if (time != meta.end() && time->is_number_unsigned() && time->get<std::uint64_t>() <= kTimeMax) {
    facts.crash_time = static_cast<std::time_t>(time->get<std::uint64_t>());
  }
  return facts;
}

}  // namespace warmdump
