// The outcome of a retention test, as selftest.json keeps it under "retention", and in words.

#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "selftest/retention/retention_record.h"
#include "selftest/retention/retention_scan.h"

namespace warmdump {

struct RetentionResult {
  RetentionRecord test;
  std::string finished_at;  // UTC
  // The test says nothing, because of this; empty: it does. Then `findings` counts.
  std::string spoiled;
  RetentionFindings findings;
  // A header copy that says what it said before the reset; if not, the start of the region was changed.
  bool is_header_retained = false;

  bool is_retained() const { return spoiled.empty() && findings.verdict() == RetentionVerdict::retained; }
};

// {"id", "verdict": "retained" | "partly" | "lost" | "spoiled", "reason", "time", "region", "pages": {by
// fate}, "bit_errors", "first_damage", "damage_end", "ranges": [...], "ranges_left_out", "header_retained",
// "machine", "reset"}. Offsets in the region, bytes.
nlohmann::ordered_json as_json(const RetentionResult& result);

// The verdict in one line, then one for each damaged range.
std::vector<std::string> retention_text(const nlohmann::ordered_json& result);

}  // namespace warmdump
