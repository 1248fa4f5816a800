#include "recover/sandbox/extractor_messages.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

namespace warmdump {
namespace {

using nlohmann::json;

// Several such texts fit into one message, also when every byte is escaped.
constexpr std::size_t kTextSizeMax = 4096;
constexpr std::size_t kTextsMax = 32;
constexpr int kErrnoMax = 4095;
constexpr unsigned kStagesMax = 8;

std::string shortened(const std::string& text) {
  return text.substr(0, kTextSizeMax);
}

Failure wrong(const char* member) {
  return {ErrorCode::corrupt, fmt::format("sent a message with a wrong \"{}\"", member)};
}

Outcome<std::uint64_t> number_in(const json& message, const char* member, std::uint64_t max = UINT64_MAX) {
  const auto found = message.find(member);
  if (found == message.end() || !found->is_number_unsigned()) return wrong(member);
  const auto number = found->get<std::uint64_t>();
  if (number > max) return wrong(member);
  return number;
}

Outcome<bool> flag_in(const json& message, const char* member) {
  const auto found = message.find(member);
  if (found == message.end() || !found->is_boolean()) return wrong(member);
  return found->get<bool>();
}

Outcome<std::string> text_of(const json& value, const char* member) {
  if (!value.is_string()) return wrong(member);
  auto text = value.get<std::string>();
  // U+FFFD in the place of a byte is longer than the byte.
  if (text.size() > 3 * kTextSizeMax) return wrong(member);
  std::replace_if(
      text.begin(), text.end(),
      [](char character) {
        const auto byte = static_cast<unsigned char>(character);
        return byte < 0x20 || byte == 0x7f;
      },
      '?');
  return text;
}

Outcome<std::string> text_in(const json& message, const char* member) {
  const auto found = message.find(member);
  if (found == message.end()) return wrong(member);
  return text_of(*found, member);
}

// By name: numbers of the enumeration are nobody's contract.
Outcome<Authenticity> authenticity_in(const json& message, const char* member) {
  const std::string name = TRY(text_in(message, member));
  for (int number = 0; number <= static_cast<int>(Authenticity::unknown_boot); ++number) {
    const auto authenticity = static_cast<Authenticity>(number);
    if (name == authenticity_name(authenticity)) return authenticity;
  }
  return wrong(member);
}

std::string id_text(const FrameDumpId& id) {
  std::string text;
  for (const std::byte byte : id) text += fmt::format("{:02x}", std::to_integer<unsigned>(byte));
  return text;
}

Outcome<FrameDumpId> id_in(const json& message, const char* member) {
  const std::string text = TRY(text_in(message, member));
  FrameDumpId id{};
  if (text.size() != 2 * id.size()) return wrong(member);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::size_t digit = std::string_view("0123456789abcdef").find(text[i]);
    if (digit == std::string_view::npos) return wrong(member);
    id[i / 2] = id[i / 2] << 4 | static_cast<std::byte>(digit);
  }
  return id;
}

}  // namespace

std::string type_of(const json& message) {
  const auto found = message.find("type");
  return found != message.end() && found->is_string() ? found->get<std::string>() : "";
}

json as_message(const Failure& failure) {
  return {{"type", "failure"},
          {"code", static_cast<unsigned>(failure.code)},
          {"errno", static_cast<unsigned>(std::clamp(failure.system_errno, 0, kErrnoMax))},
          {"message", shortened(failure.message)}};
}

Outcome<FailureMessage> failure_of(const json& message) {
  const auto code = TRY(number_in(message, "code", static_cast<unsigned>(ErrorCode::crashed)));
  if (code == 0) return wrong("code");
  Failure failure(static_cast<ErrorCode>(code), TRY(text_in(message, "message")));
  failure.system_errno = static_cast<int>(TRY(number_in(message, "errno", kErrnoMax)));
  return FailureMessage{std::move(failure)};
}

json as_message(const std::optional<DumpIdentity>& identity) {
  json message{{"type", "identity"}, {"found", identity.has_value()}};
  if (!identity) return message;
  // All members by name: a new one that is not sent does not compile.
  const auto& [id, crash_time_s, authenticity, boot_id] = *identity;
  message["id"] = id_text(id);
  message["crash_time_s"] = crash_time_s;
  message["authenticity"] = authenticity_name(authenticity);
  message["boot_id"] = shortened(boot_id);
  return message;
}

Outcome<std::optional<DumpIdentity>> identity_of(const json& message) {
  std::optional<DumpIdentity> identity;
  if (!TRY(flag_in(message, "found"))) return identity;
  identity.emplace();
  identity->id = TRY(id_in(message, "id"));
  identity->crash_time_s = TRY(number_in(message, "crash_time_s"));
  identity->authenticity = TRY(authenticity_in(message, "authenticity"));
  identity->boot_id = TRY(text_in(message, "boot_id"));
  return identity;
}

json as_message(const ExtractedDump& dump) {
  [[maybe_unused]] const auto& [complete, completeness, authenticity, key_id, bytes_written, crash_text,
                                signature, signature_text] = dump;
  return {{"type", "extracted"},
          {"complete", complete},
          {"completeness", shortened(completeness)},
          {"authenticity", shortened(authenticity)},
          {"key_id", shortened(key_id)},
          {"crash_text", shortened(crash_text)},
          {"signature", shortened(signature)},
          {"signature_text", shortened(signature_text)}};
}

Outcome<ExtractedDump> extracted_of(const json& message) {
  ExtractedDump dump;
  dump.complete = TRY(flag_in(message, "complete"));
  dump.completeness = TRY(text_in(message, "completeness"));
  dump.authenticity = authenticity_name(TRY(authenticity_in(message, "authenticity")));
  dump.key_id = TRY(text_in(message, "key_id"));
  dump.crash_text = TRY(text_in(message, "crash_text"));
  dump.signature = TRY(text_in(message, "signature"));
  dump.signature_text = TRY(text_in(message, "signature_text"));
  return dump;
}

json confined_message(const std::vector<std::string>& missing) {
  return {{"type", "confined"}, {"missing", missing}};
}

Outcome<std::vector<std::string>> missing_of(const json& message) {
  const auto found = message.find("missing");
  if (found == message.end() || !found->is_array() || found->size() > kTextsMax) return wrong("missing");
  std::vector<std::string> missing;
  for (const json& text : *found) missing.push_back(TRY(text_of(text, "missing")));
  return missing;
}

json progress_message(ByteCount done, ByteCount total, unsigned stage) {
  return {{"type", "progress"}, {"stage", stage}, {"done", done}, {"total", total}};
}

Outcome<ProgressMessage> progress_of(const json& message) {
  ProgressMessage progress;
  progress.stage = static_cast<unsigned>(TRY(number_in(message, "stage", kStagesMax)));
  progress.total = TRY(number_in(message, "total"));
  progress.done = TRY(number_in(message, "done", progress.total));
  return progress;
}

json alive_message() {
  return {{"type", "alive"}};
}

}  // namespace warmdump
