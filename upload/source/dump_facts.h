// DumpFacts: what the queue decides by, from a dump's meta.json (docs/META_JSON.md).

#pragma once

#include <ctime>
#include <string>
#include <string_view>

namespace warmdump {

struct DumpFacts {
  std::string signature;       // equal for crashes of the same fault; empty: unknown
  std::time_t crash_time = 0;  // 0: unknown
};

// What is missing, of another type or no JSON is unknown. The signature is cut to what fits into a record.
DumpFacts dump_facts(std::string_view meta_json);

}  // namespace warmdump
