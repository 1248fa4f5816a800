#include "common/hosted/dump_file_names.h"

#include <nlohmann/json.hpp>

namespace warmdump {
namespace {

void take(const nlohmann::json& files, const char* key, std::string& name) {
  const auto found = files.find(key);
  if (found == files.end() || !found->is_string()) return;
  const std::string value = *found;
  const bool is_plain = !value.empty() && value.find('/') == std::string::npos && !value.starts_with('.');
  if (is_plain) name = value;
}

}  // namespace

DumpFileNames dump_file_names(std::string_view meta_json) {
  DumpFileNames names;
  const auto json = nlohmann::json::parse(meta_json, nullptr, false);
  if (!json.is_object() || !json.contains("files") || !json["files"].is_object()) return names;
  take(json["files"], "vmcore", names.vmcore);
  take(json["files"], "dmesg", names.dmesg);
  return names;
}

}  // namespace warmdump
