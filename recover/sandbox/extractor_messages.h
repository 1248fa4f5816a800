// DumpExtractor's values as messages, both ways. Encoding is the reader's, and trusts its values; decoding is
// recovery's, and trusts nothing: a member that is missing, of another type or out of range is an error
// corrupt that names it. Control characters in texts become '?'.
//
// To add a member to DumpIdentity or ExtractedDump: a line in the encoder, a line in the decoder, and its
// value in the round trip of tests/recover/sandbox/extractor_messages_test.cc.

#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "recover/dump_extractor.h"

namespace warmdump {

// What a message is, its member "type".
std::string type_of(const nlohmann::json& message);

nlohmann::json as_message(const Failure& failure);
nlohmann::json as_message(const std::optional<DumpIdentity>& identity);
nlohmann::json as_message(const ExtractedDump& dump);
nlohmann::json confined_message(const std::vector<std::string>& missing);
nlohmann::json progress_message(ByteCount done, ByteCount total, unsigned stage = 0);
nlohmann::json alive_message();

struct ProgressMessage {
  ByteCount done = 0;
  ByteCount total = 0;
  unsigned stage = 0;  // of work that has several, from 0
};

struct FailureMessage {
  Failure failure;
};

Outcome<FailureMessage> failure_of(const nlohmann::json& message);
Outcome<std::optional<DumpIdentity>> identity_of(const nlohmann::json& message);
// Without bytes_written: who counts files himself needs not be told.
Outcome<ExtractedDump> extracted_of(const nlohmann::json& message);
Outcome<std::vector<std::string>> missing_of(const nlohmann::json& message);
Outcome<ProgressMessage> progress_of(const nlohmann::json& message);

}  // namespace warmdump
