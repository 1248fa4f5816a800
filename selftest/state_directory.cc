#include "selftest/state_directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <nlohmann/json.hpp>

#include "common/hosted/unique_fd.h"
#include "common/hosted/whole_file.h"

namespace warmdump {
namespace {

constexpr ByteCount kFileSizeMax = 1 * kMiB;

}  // namespace

Outcome<std::optional<nlohmann::ordered_json>> StateDirectory::load(const std::string& file) const {
  const std::string path = path_of(file);
  const auto text = read_whole_file(path, kFileSizeMax);
  if (!text && text.error().code == ErrorCode::not_found) return std::optional<nlohmann::ordered_json>();
  if (!text) return Failure(text.error());
  auto json = nlohmann::ordered_json::parse(*text, nullptr, false);
  if (!json.is_object() || !json.contains("schema") || !json["schema"].is_number_integer()) {
    return Failure(ErrorCode::corrupt, path + " is damaged; remove it");
  }
  if (json["schema"] > kStateSchema) {
    return Failure(ErrorCode::unsupported, path + " was written by a newer version of warmdump");
  }
  return std::optional(std::move(json));
}

Outcome<void> StateDirectory::store(const std::string& file, nlohmann::ordered_json json) const {
  TRY(make());
  json["schema"] = kStateSchema;
  using nlohmann::ordered_json;
  TRY(write_whole_file(path_of(file),
                       json.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n"));
  return flush();
}

Outcome<void> StateDirectory::remove(const std::string& file) const {
  const std::string path = path_of(file);
  if (::unlink(path.c_str()) == 0) return flush();
  if (errno == ENOENT) return {};
  return Failure::system("cannot remove " + path, errno);
}

Outcome<void> StateDirectory::store_result(const std::string& kind, nlohmann::ordered_json result) const {
  const auto found = load(kResultsFile);
  if (!found && found.error().code != ErrorCode::corrupt) return Failure(found.error());
  nlohmann::ordered_json results = found && *found ? **found : nlohmann::ordered_json::object();
  results[kind] = std::move(result);
  return store(kResultsFile, std::move(results));
}

Outcome<std::optional<nlohmann::ordered_json>> StateDirectory::load_result(const std::string& kind) const {
  const auto results = TRY(load(kResultsFile));
  if (!results || !results->contains(kind)) return std::optional<nlohmann::ordered_json>();
  return std::optional(results->at(kind));
}

Outcome<void> StateDirectory::make() const {
  std::error_code error;
  std::filesystem::create_directories(path_.parent_path(), error);
  if (::mkdir(path_.c_str(), S_IRWXU) != 0 && errno != EEXIST) {
    return Failure::system("cannot make " + path_.string(), errno);
  }
  return {};
}

Outcome<void> StateDirectory::flush() const {
  const UniqueFd directory(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid() || ::fsync(directory.get()) != 0) {
    return Failure::system("cannot flush " + path_.string(), errno);
  }
  return {};
}

std::string utc_now_text() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  char text[32];
  if (::gmtime_r(&now, &parts) == nullptr) return {};
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

}  // namespace warmdump
