#include "common/hosted/crash_loop_record.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "common/hosted/whole_file.h"
#include "common/units.h"

namespace warmdump {
namespace {

constexpr unsigned kSchema = 1;
constexpr ByteCount kFileSizeMax = 64 * kKiB;

}  // namespace

std::string crash_loop_text(const CrashLoopRecord& record) {
  const nlohmann::ordered_json json = {{"schema", kSchema},
                                       {"stands", record.stands},
                                       {"boot_id", record.boot_id},
                                       {"crashes", record.crashes},
                                       {"window_s", record.window_s},
                                       {"first_dump", record.first_dump},
                                       {"first_directory", record.first_directory}};
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

Outcome<CrashLoopRecord> parse_crash_loop(std::string_view text, const std::string& name) {
  CrashLoopRecord record;
  try {
    const auto json = nlohmann::json::parse(text);
    if (json.at("schema").get<unsigned>() > kSchema) {
      return Failure(ErrorCode::unsupported, name + " was written by a newer warmdump");
    }
    json.at("stands").get_to(record.stands);
    json.at("boot_id").get_to(record.boot_id);
    json.at("crashes").get_to(record.crashes);
    json.at("window_s").get_to(record.window_s);
    json.at("first_dump").get_to(record.first_dump);
    json.at("first_directory").get_to(record.first_directory);
  } catch (const nlohmann::json::exception& error) {
    return Failure(ErrorCode::corrupt, fmt::format("{} is damaged: {}", name, error.what()));
  }
  return record;
}

Outcome<std::optional<CrashLoopRecord>> read_crash_loop(const std::string& path) {
  const auto text = read_whole_file(path, kFileSizeMax);
  if (!text.has_value()) {
    if (text.error().code == ErrorCode::not_found) return std::optional<CrashLoopRecord>();
    return text.error();
  }
  return std::optional<CrashLoopRecord>(TRY(parse_crash_loop(*text, path)));
}

Outcome<void> store_crash_loop(const CrashLoopRecord& record, const std::string& path) {
  return write_whole_file(path, crash_loop_text(record));
}

std::string crash_loop_words(const CrashLoopRecord& record) {
  return fmt::format("{} crashes within {} minutes", record.crashes, record.window_s / 60);
}

}  // namespace warmdump
