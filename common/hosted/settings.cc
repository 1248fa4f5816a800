#include "common/hosted/settings.h"

#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <iterator>

#include "common/hosted/whole_file.h"

namespace warmdump {
namespace {

constexpr ByteCount kSettingsSizeMax = 64 * kKiB;

// Each sets its value and returns nothing, or says what the value must be.
using Problem = const char*;

Problem set(const toml::node& node, std::optional<std::uint64_t>& target) {
  const auto value = node.is_integer() ? node.value<std::int64_t>() : std::nullopt;
  if (!value || *value < 0) return "must be a number, 0 or more";
  target = static_cast<std::uint64_t>(*value);
  return nullptr;
}

Problem set(const toml::node& node, std::optional<std::string>& target) {
  if (!node.is_string()) return "must be a text in quotes";
  target = node.value<std::string>();
  return nullptr;
}

Problem set(const toml::node& node, std::optional<bool>& target) {
  if (!node.is_boolean()) return "must be true or false";
  target = node.value<bool>();
  return nullptr;
}

struct Row {
  std::string_view table;
  std::string_view key;
  Problem (*take)(const toml::node& node, Settings& settings);
};

// To add one: a member of Settings, a row here, a line in settings.h, in docs/man/warmdump-arm.8 and in the
// commented file that is installed.
constexpr Row kRows[] = {
    {"arm", "dump_level", [](const auto& node, Settings& to) { return set(node, to.arm.dump_level); }},
    {"arm", "final_action", [](const auto& node, Settings& to) { return set(node, to.arm.final_action); }},
    {"arm", "deadline_s", [](const auto& node, Settings& to) { return set(node, to.arm.deadline_s); }},
    {"arm", "watchdog_s", [](const auto& node, Settings& to) { return set(node, to.arm.watchdog_s); }},
    {"arm", "append_cmdline",
     [](const auto& node, Settings& to) { return set(node, to.arm.append_cmdline); }},
    {"arm", "append_cpio", [](const auto& node, Settings& to) { return set(node, to.arm.append_cpio); }},
    {"arm", "image", [](const auto& node, Settings& to) { return set(node, to.arm.image); }},
    {"arm", "trim", [](const auto& node, Settings& to) { return set(node, to.arm.trim); }},
    {"arm", "kexec_load_disabled",
     [](const auto& node, Settings& to) { return set(node, to.arm.kexec_load_disabled); }},
    {"arm", "clear_memory_overwrite",
     [](const auto& node, Settings& to) { return set(node, to.arm.clear_memory_overwrite); }},
    {"arm", "fleet_public_key",
     [](const auto& node, Settings& to) { return set(node, to.arm.fleet_public_key); }},
    {"consent", "file", [](const auto& node, Settings& to) { return set(node, to.consent.file); }},
    {"plan", "size", [](const auto& node, Settings& to) { return set(node, to.plan.size); }},
    {"recover", "spool", [](const auto& node, Settings& to) { return set(node, to.recover.spool); }},
    {"recover", "layout", [](const auto& node, Settings& to) { return set(node, to.recover.layout); }},
    {"recover", "format", [](const auto& node, Settings& to) { return set(node, to.recover.format); }},
    {"recover", "compression",
     [](const auto& node, Settings& to) { return set(node, to.recover.compression); }},
    {"recover", "report", [](const auto& node, Settings& to) { return set(node, to.recover.report); }},
    {"recover", "redact", [](const auto& node, Settings& to) { return set(node, to.recover.redact); }},
    {"recover", "user", [](const auto& node, Settings& to) { return set(node, to.recover.user); }},
    {"recover", "unauthenticated",
     [](const auto& node, Settings& to) { return set(node, to.recover.unauthenticated); }},
    {"recover", "max_dumps", [](const auto& node, Settings& to) { return set(node, to.recover.max_dumps); }},
    {"recover", "max_bytes", [](const auto& node, Settings& to) { return set(node, to.recover.max_bytes); }},
    {"recover", "min_free", [](const auto& node, Settings& to) { return set(node, to.recover.min_free); }},
    {"recover", "crash_loop_count",
     [](const auto& node, Settings& to) { return set(node, to.recover.crash_loop_count); }},
    {"recover", "crash_loop_minutes",
     [](const auto& node, Settings& to) { return set(node, to.recover.crash_loop_minutes); }},
    {"recover", "direct", [](const auto& node, Settings& to) { return set(node, to.recover.direct); }},
    {"recover", "direct_ca_file",
     [](const auto& node, Settings& to) { return set(node, to.recover.direct_ca_file); }},
    {"recover", "direct_credentials_file",
     [](const auto& node, Settings& to) { return set(node, to.recover.direct_credentials_file); }},
};

bool is_table(std::string_view name) {
  return std::any_of(std::begin(kRows), std::end(kRows), [&](const Row& row) { return row.table == name; });
}

}  // namespace

Outcome<Settings> parse_settings(std::string_view text, const std::string& name) {
  const auto wrong = [&name](const toml::source_region& source, const std::string& what) {
    return Failure(ErrorCode::invalid, fmt::format("{}, line {}: {}", name, source.begin.line, what));
  };
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) return wrong(parsed.error().source(), std::string(parsed.error().description()));
  Settings settings;
  for (const auto& [table_key, table_node] : parsed.table()) {
    const std::string_view table = table_key.str();
    const toml::table* const entries = table_node.as_table();
    if (!is_table(table)) {
      return wrong(table_key.source(), fmt::format("unknown {} \"{}\"", entries ? "table" : "key", table));
    }
    if (entries == nullptr) {
      return wrong(table_key.source(), fmt::format("\"{}\" must be a table: [{}]", table, table));
    }
    for (const auto& [key, node] : *entries) {
      const auto* const row =
          std::find_if(std::begin(kRows), std::end(kRows), [&, &row_key = key](auto& candidate) {
            return candidate.table == table && candidate.key == row_key.str();
          });
      if (row == std::end(kRows)) {
        return wrong(key.source(), fmt::format("unknown key \"{}\" in [{}]", key.str(), table));
      }
      if (const Problem problem = row->take(node, settings)) {
        return wrong(key.source(), fmt::format("\"{}\" {}", key.str(), problem));
      }
    }
  }
  return settings;
}

Outcome<Settings> read_settings(const std::string& path) {
  const auto text = read_whole_file(path, kSettingsSizeMax);
  if (text.has_value()) return parse_settings(*text, path);
  if (text.error().code == ErrorCode::not_found) return Settings();
  return text.error();
}

}  // namespace warmdump
