#include "common/hosted/settings.h"

#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <initializer_list>
#include <iterator>

#include "common/hosted/byte_count_text.h"
#include "common/hosted/whole_file.h"

namespace warmdump {
namespace {

constexpr ByteCount kSettingsSizeMax = 64 * kKiB;

constexpr std::string_view kUploadTable = "upload";

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

Problem set_size(const toml::node& node, std::optional<ByteCount>& target) {
  const auto size = node.is_string() ? parse_byte_count(node.value<std::string>().value_or(""))
                                     : Outcome<ByteCount>(Failure(ErrorCode::invalid, ""));
  if (!size) return "must be a number of bytes in quotes, with K, M or G where wanted";
  target = *size;
  return nullptr;
}

// As set(), with a least and a largest number.
Problem set_within(const toml::node& node, std::optional<std::uint64_t>& target, std::uint64_t least,
                   std::uint64_t most, Problem otherwise) {
  if (set(node, target) == nullptr && *target >= least && *target <= most) return nullptr;
  target.reset();
  return otherwise;
}

Problem set_word(const toml::node& node, std::optional<std::string>& target,
                 std::initializer_list<std::string_view> words, Problem otherwise) {
  const auto word = node.is_string() ? node.value<std::string>() : std::nullopt;
  if (!word || std::find(words.begin(), words.end(), *word) == words.end()) return otherwise;
  target = word;
  return nullptr;
}

Problem set_what_is_sent(const toml::node& node, std::optional<std::string>& target) {
  return set_word(node, target, {"never", "report", "always"}, "must be \"never\", \"report\" or \"always\"");
}

constexpr std::uint64_t kSecondsOfADay = 86'400;
// Of a multipart upload of S3: each part but the last.
constexpr ByteCount kPartSizeLeast = 5 * kMiB;
constexpr ByteCount kPartSizeMost = 5 * kGiB;

Problem set_part_size(const toml::node& node, std::optional<ByteCount>& target) {
  if (set_size(node, target) == nullptr && *target >= kPartSizeLeast && *target <= kPartSizeMost)
    return nullptr;
  target.reset();
  return "must be from \"5M\" to \"5G\"";
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
    {"upload", "to", [](const auto& node, Settings& to) { return set(node, to.upload.to); }},
    {"upload", "endpoint", [](const auto& node, Settings& to) { return set(node, to.upload.endpoint); }},
    {"upload", "region", [](const auto& node, Settings& to) { return set(node, to.upload.region); }},
    {"upload", "addressing",
     [](const auto& node, Settings& to) {
       return set_word(node, to.upload.addressing, {"auto", "path", "virtual"},
                       "must be \"auto\", \"path\" or \"virtual\"");
     }},
    {"upload", "ca_file", [](const auto& node, Settings& to) { return set(node, to.upload.ca_file); }},
    {"upload", "client_certificate_file",
     [](const auto& node, Settings& to) { return set(node, to.upload.client_certificate_file); }},
    {"upload", "client_key_file",
     [](const auto& node, Settings& to) { return set(node, to.upload.client_key_file); }},
    {"upload", "credentials_file",
     [](const auto& node, Settings& to) { return set(node, to.upload.credentials_file); }},
    {"upload", "profile", [](const auto& node, Settings& to) { return set(node, to.upload.profile); }},
    {"upload", "credentials_from",
     [](const auto& node, Settings& to) { return set(node, to.upload.credentials_from); }},
    {"upload", "role_arn", [](const auto& node, Settings& to) { return set(node, to.upload.role_arn); }},
    {"upload", "web_identity_token_file",
     [](const auto& node, Settings& to) { return set(node, to.upload.web_identity_token_file); }},
    {"upload", "sts_endpoint",
     [](const auto& node, Settings& to) { return set(node, to.upload.sts_endpoint); }},
    {"upload", "server_side_encryption",
     [](const auto& node, Settings& to) { return set(node, to.upload.server_side_encryption); }},
    {"upload", "kms_key_id", [](const auto& node, Settings& to) { return set(node, to.upload.kms_key_id); }},
    {"upload", "proxy", [](const auto& node, Settings& to) { return set(node, to.upload.proxy); }},
    {"upload", "proxy_credentials_file",
     [](const auto& node, Settings& to) { return set(node, to.upload.proxy_credentials_file); }},
    {"upload", "no_proxy", [](const auto& node, Settings& to) { return set(node, to.upload.no_proxy); }},
    {"upload", "broker_command",
     [](const auto& node, Settings& to) { return set(node, to.upload.broker_command); }},
    {"upload", "broker_url", [](const auto& node, Settings& to) { return set(node, to.upload.broker_url); }},
    {"upload", "part_size",
     [](const auto& node, Settings& to) { return set_part_size(node, to.upload.part_size); }},
    {"upload", "parallel",
     [](const auto& node, Settings& to) {
       return set_within(node, to.upload.parallel, 1, 16, "must be a number from 1 to 16");
     }},
    {"upload", "checksum",
     [](const auto& node, Settings& to) {
       return set_word(node, to.upload.checksum, {"none", "crc32c", "sha256"},
                       "must be \"none\", \"crc32c\" or \"sha256\"");
     }},
    {"upload", "bandwidth",
     [](const auto& node, Settings& to) { return set_size(node, to.upload.bandwidth); }},
    {"upload", "device", [](const auto& node, Settings& to) { return set(node, to.upload.device); }},
    {"upload", "vmcore",
     [](const auto& node, Settings& to) {
       return set_word(node, to.upload.vmcore, {"always", "asked", "never"},
                       "must be \"always\", \"asked\" or \"never\"");
     }},
    {"upload", "daily_bytes",
     [](const auto& node, Settings& to) { return set_size(node, to.upload.daily_bytes); }},
    {"upload", "daily_dumps",
     [](const auto& node, Settings& to) { return set(node, to.upload.daily_dumps); }},
    {"upload", "vmcores_per_signature_per_day",
     [](const auto& node, Settings& to) { return set(node, to.upload.vmcores_per_signature_per_day); }},
    {"upload", "spread_s",
     [](const auto& node, Settings& to) {
       return set_within(node, to.upload.spread_s, 0, kSecondsOfADay,
                         "must be a number of seconds, 86400 at most");
     }},
    {"upload", "give_up_days",
     [](const auto& node, Settings& to) {
       return set_within(node, to.upload.give_up_days, 1, 3650, "must be a number of days, 1 to 3650");
     }},
    {"upload", "metered",
     [](const auto& node, Settings& to) { return set_what_is_sent(node, to.upload.metered); }},
    {"upload", "metered_command",
     [](const auto& node, Settings& to) { return set(node, to.upload.metered_command); }},
    {"upload", "on_battery", [](const auto& node, Settings& to) { return set(node, to.upload.on_battery); }},
    {"upload", "delete_sent",
     [](const auto& node, Settings& to) { return set(node, to.upload.delete_sent); }},
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
    // What is wrong in [upload] costs uploads alone.
    const auto stop = [&](Failure&& failure) -> Outcome<void> {
      if (table != kUploadTable) return std::move(failure);
      if (!settings.upload.wrong) settings.upload.wrong = std::move(failure);
      return {};
    };
    for (const auto& [key, node] : *entries) {
      const auto* const row =
          std::find_if(std::begin(kRows), std::end(kRows), [&, &row_key = key](auto& candidate) {
            return candidate.table == table && candidate.key == row_key.str();
          });
      if (row == std::end(kRows)) {
        TRY(stop(wrong(key.source(), fmt::format("unknown key \"{}\" in [{}]", key.str(), table))));
        continue;
      }
      if (const Problem problem = row->take(node, settings)) {
        TRY(stop(wrong(key.source(), fmt::format("\"{}\" {}", key.str(), problem))));
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
