#include "recover/outcome/boot_record.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "common/hosted/whole_file.h"
#include "common/units.h"

namespace warmdump {
namespace {

using Json = nlohmann::ordered_json;

constexpr unsigned kSchema = 1;
constexpr ByteCount kFileSizeMax = 256 * kKiB;

Json as_json(const EndedBoot& boot) {
  Json json = {{"boot_id", boot.boot_id}, {"in_order", boot.in_order}};
  if (boot.lasted_s) json["lasted_s"] = *boot.lasted_s;
  return json;
}

EndedBoot ended_boot(const nlohmann::json& json) {
  EndedBoot boot{json.at("boot_id").get<std::string>(), json.at("in_order").get<bool>(), {}};
  if (json.contains("lasted_s")) boot.lasted_s = json.at("lasted_s").get<std::uint64_t>();
  return boot;
}

}  // namespace

std::string boot_record_text(const BootRecord& record) {
  Json json = {{"schema", kSchema}, {"boot", as_json(record.boot)}, {"has_line", record.has_line}};
  if (record.previous) json["previous"] = as_json(*record.previous);
  json["boots_without_line"] = record.boots_without_line;
  json["panics_before"] = record.panics_before;
  json["panics_seen"] = record.panics_seen;
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Outcome<BootRecord> parse_boot_record(std::string_view text, const std::string& name) {
  BootRecord record;
  try {
    const auto json = nlohmann::json::parse(text);
    if (json.at("schema").get<unsigned>() > kSchema) {
      return Failure(ErrorCode::unsupported, name + " was written by a newer warmdump");
    }
    record.boot = ended_boot(json.at("boot"));
    json.at("has_line").get_to(record.has_line);
    if (json.contains("previous")) record.previous = ended_boot(json.at("previous"));
    json.at("boots_without_line").get_to(record.boots_without_line);
    json.at("panics_before").get_to(record.panics_before);
    json.at("panics_seen").get_to(record.panics_seen);
  } catch (const nlohmann::json::exception& error) {
    return Failure(ErrorCode::corrupt, fmt::format("{} is damaged: {}", name, error.what()));
  }
  return record;
}

Outcome<std::optional<BootRecord>> read_boot_record(const std::string& path) {
  const auto text = read_whole_file(path, kFileSizeMax);
  if (!text.has_value()) {
    if (text.error().code == ErrorCode::not_found) return std::optional<BootRecord>();
    return text.error();
  }
  return std::optional<BootRecord>(TRY(parse_boot_record(*text, path)));
}

Outcome<void> store_boot_record(const BootRecord& record, const std::string& path) {
  const std::filesystem::path directory = std::filesystem::path(path).parent_path();
  std::error_code ignored;  // mkdir() tells what is wrong
  std::filesystem::create_directories(directory.parent_path(), ignored);
  if (::mkdir(directory.c_str(), S_IRWXU) != 0 && errno != EEXIST) {
    return Failure::system("cannot make " + directory.string(), errno);
  }
  return write_whole_file(path, boot_record_text(record));
}

BootRecord begin_boot(const std::optional<BootRecord>& recorded, const std::string& boot_id) {
  BootRecord record;
  if (recorded && recorded->boot.boot_id == boot_id) record = *recorded;
  if (recorded && recorded->boot.boot_id != boot_id) {
    record.previous = recorded->boot;
    record.boots_without_line = recorded->has_line ? 0 : recorded->boots_without_line + 1;
    record.panics_before = recorded->panics_seen;
  }
  record.boot = {boot_id, false, {}};
  return record;
}

Outcome<void> note_shutdown(const std::string& path, const std::string& boot_id, std::uint64_t uptime_s) {
  auto record = TRY(read_boot_record(path));
  if (!record || record->boot.boot_id != boot_id) {
    return Failure(ErrorCode::not_found, "`warmdump recover` has not run in this boot: nothing to note");
  }
  record->boot.in_order = true;
  record->boot.lasted_s = uptime_s;
  return store_boot_record(*record, path);
}

}  // namespace warmdump
