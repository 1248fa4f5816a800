#include "upload/source/dump_key.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "common/hosted/ascii.h"

namespace warmdump {
namespace {

constexpr std::size_t kIdDigits = 16;

}  // namespace

std::string key_segment(std::string_view text) {
  std::string segment;
  for (const char c : text) {
    const bool is_kept = is_alphanumeric(c) || std::string_view("._=-").find(c) != std::string_view::npos;
    segment += is_kept ? c : '-';
  }
  if (segment.starts_with('.')) segment.front() = '-';
  return segment;
}

std::string dump_id(const DumpDirectory& dump) {
  std::vector<std::string> lines;
  for (const auto& file : dump.files) {
    lines.push_back(fmt::format("{} {} {}\n", file.sha256, file.size, file.name));
  }
  std::sort(lines.begin(), lines.end());
  std::string text;
  for (const auto& line : lines) text += line;
  const ByteCount size = text.size();
  return sha256_of(TextSource(std::move(text)), size, [](ByteCount) {})->substr(0, kIdDigits);
}

std::string dump_key(std::string_view device, std::string_view dump_name, std::string_view id) {
  const std::string name = key_segment(dump_name) + "-" + std::string(id);
  return device.empty() ? name : key_segment(device) + "/" + name;
}

std::string manifest_text(const DumpDirectory& dump, std::string_view id, std::string_view device,
                          bool is_whole) {
  nlohmann::ordered_json files = nlohmann::ordered_json::array();
  for (const auto& file : dump.files) {
    if (!is_whole && dump.has_pages(file)) continue;
    files.push_back({{"name", file.name}, {"size", file.size}, {"sha256", file.sha256}});
  }
  const nlohmann::ordered_json json = {{"schema", 1},
                                       {"dump", dump.name},
                                       {"id", id},
                                       {"device", device},
                                       {"stage", is_whole ? "whole" : "report"},
                                       {"files", std::move(files)}};
  return json.dump(2, ' ', true, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace warmdump
