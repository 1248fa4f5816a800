#include "common/hosted/measured_memory.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "common/hosted/whole_file.h"

namespace warmdump {
namespace {

constexpr unsigned kSchema = 1;
constexpr ByteCount kFileSizeMax = 64 * kKiB;

}  // namespace

std::string measured_memory_text(const MeasuredMemory& measured) {
  const nlohmann::ordered_json json = {{"schema", kSchema},           {"crash_kernel", measured.crash_kernel},
                                       {"given", measured.given},     {"free_min", measured.free_min},
                                       {"boot_id", measured.boot_id}, {"crash_time", measured.crash_time_s}};
  return json.dump() + "\n";
}

Outcome<MeasuredMemory> parse_measured_memory(std::string_view text, const std::string& name) {
  MeasuredMemory measured;
  try {
    const auto json = nlohmann::json::parse(text);
    if (json.at("schema").get<unsigned>() > kSchema) {
      return Failure(ErrorCode::unsupported, name + " was written by a newer warmdump");
    }
    json.at("crash_kernel").get_to(measured.crash_kernel);
    json.at("given").get_to(measured.given);
    json.at("free_min").get_to(measured.free_min);
    json.at("boot_id").get_to(measured.boot_id);
    json.at("crash_time").get_to(measured.crash_time_s);
  } catch (const nlohmann::json::exception& error) {
    return Failure(ErrorCode::corrupt, fmt::format("{} is damaged: {}", name, error.what()));
  }
  if (measured.free_min >= measured.given) {
    return Failure(ErrorCode::corrupt, fmt::format("{} is damaged: {} bytes free of {}", name,
                                                   measured.free_min, measured.given));
  }
  return measured;
}

Outcome<std::optional<MeasuredMemory>> read_measured_memory(const std::string& path) {
  const auto text = read_whole_file(path, kFileSizeMax);
  if (!text.has_value()) {
    if (text.error().code == ErrorCode::not_found) return std::optional<MeasuredMemory>();
    return text.error();
  }
  return std::optional<MeasuredMemory>(TRY(parse_measured_memory(*text, path)));
}

Outcome<bool> store_measured_memory(const MeasuredMemory& measured, const std::string& path) {
  const auto older = read_measured_memory(path);
  if (older.has_value() && *older && (*older)->crash_kernel == measured.crash_kernel &&
      (*older)->used() >= measured.used()) {
    return false;
  }
  const std::filesystem::path directory = std::filesystem::path(path).parent_path();
  std::error_code ignored;  // mkdir() tells what is wrong
  std::filesystem::create_directories(directory.parent_path(), ignored);
  if (::mkdir(directory.c_str(), S_IRWXU) != 0 && errno != EEXIST) {
    return Failure::system("cannot make " + directory.string(), errno);
  }
  TRY(write_whole_file(path, measured_memory_text(measured)));
  return true;
}

}  // namespace warmdump
