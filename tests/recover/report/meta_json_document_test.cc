// docs/META_JSON.md against what to_json writes: every key, and its type.

#include <gmock/gmock.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>

#include "recover/report/meta_json.h"

namespace warmdump {
namespace {

using Json = nlohmann::json;
using Keys = std::map<std::string, std::string>;  // with their type

// Objects whose keys are names of which there are several.
const std::map<std::string, std::string> kNamed = {{"files", "FILE"},
                                                   {"pages.classes", "CLASS"},
                                                   {"capture_info", "KEY"},
                                                   {"pages.lost_by_reason", "REASON"},
                                                   {"timings_ms", "STEP"}};

const char* type_of(const Json& value) {
  return value.is_boolean()          ? "boolean"
         : value.is_number_integer() ? "number"
         : value.is_string()         ? "text"
                                     : "other";
}

void collect(const Json& value, const std::string& path, Keys& keys) {
  if (value.is_object()) {
    const auto named = kNamed.find(path);
    for (const auto& [key, inner] : value.items()) {
      const std::string name = named == kNamed.end() ? key : named->second;
      collect(inner, path.empty() ? name : path + "." + name, keys);
    }
  } else if (value.is_array()) {
    EXPECT_FALSE(value.empty()) << path << ": fill it, or the test sees nothing of it";
    for (const Json& element : value) collect(element, path + "[]", keys);
  } else {
    keys[path] = type_of(value);
  }
}

// With everything in it that may be absent or empty.
DumpSummary full_summary() {
  DumpSummary summary;
  summary.phases.push_back({"kernel pages", 1, 2, 3});
  summary.missing_parts.push_back("VMCOREINFO");
  summary.trace.frames.push_back("panic");
  summary.capture_info["boot_id"] = "x";
  summary.files["vmcore"] = "vmcore";
  summary.timings_ms["total"] = 1;
  summary.vmcore_size = 1;
  summary.damage.scan.first_damage = 1;
  return summary;
}

TEST(MetaJsonDocument, has_every_key_with_its_type_and_no_other) {
  Keys written;
  collect(Json::parse(to_json(full_summary())), "", written);
  Keys documented;
  std::ifstream document(WARMDUMP_META_JSON_DOCUMENT);
  const std::regex row(R"(\| `([^`]+)` \| (\w+) \|.*)");
  for (std::string line; std::getline(document, line);) {
    std::smatch match;
    if (!std::regex_match(line, match, row)) continue;
    EXPECT_FALSE(documented.contains(match[1])) << match[1] << " stands there twice";
    documented[match[1]] = match[2];
  }
  EXPECT_THAT(documented, testing::ContainerEq(written));
}

TEST(MetaJsonDocument, has_the_version) {
  std::ostringstream document;
  document << std::ifstream(WARMDUMP_META_JSON_DOCUMENT).rdbuf();
  EXPECT_THAT(document.str(),
              testing::HasSubstr("\nSchema version " + std::to_string(kMetaSchema) + " (key `schema`).\n"));
}

// What the first version wrote before there were layouts and signatures.
TEST(MetaJson, of_older_versions_is_read) {
  const auto summary = parse_meta_json(
      R"({"schema": 1, "complete": true, "completeness": "complete", "panic_text": "Kernel panic", "crash_time": 7,
          "kernel": {"release": "6.1"}, "pages": {"total": {"lost": 3}}, "capture_info": {"boot_id": "b"}})");
  ASSERT_TRUE(summary) << summary.error().message;
  EXPECT_TRUE(summary->complete);
  EXPECT_EQ(summary->kernel.release, "6.1");
  EXPECT_EQ(summary->pages.total.lost, 3);
  EXPECT_EQ(summary->signature.key, "");
  EXPECT_EQ(summary->layout, "");
}

}  // namespace
}  // namespace warmdump
