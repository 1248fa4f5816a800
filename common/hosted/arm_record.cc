#include "common/hosted/arm_record.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "common/hosted/whole_file.h"

namespace warmdump {
namespace {

using nlohmann::json;

constexpr unsigned kSchema = 1;
constexpr ByteCount kRecordSizeMax = 64 * kKiB;
constexpr std::size_t kBootIdSizeMax = 64;
constexpr const char* kSuffix = ".json";

// Reads values by key; the first that is missing or of another kind is the error.
class Reader {
 public:
  Reader(const json& object, std::string name) : object_(object), name_(std::move(name)) {}

  template <class T>
  void required(const std::string& key, T& target) {
    const json* value = find(key);
    if (value == nullptr) {
      wrong(key, "is missing");
    } else {
      take(key, *value, target);
    }
  }

  template <class T>
  void optional(const std::string& key, T& target) {
    if (const json* value = find(key)) take(key, *value, target);
  }

  Outcome<void> result() const {
    if (problem_.empty()) return {};
    return Failure(ErrorCode::corrupt, fmt::format("{}: {}", name_, problem_));
  }

 private:
  // "region.start" is start in region.
  const json* find(const std::string& key) const {
    const json* value = &object_;
    for (std::size_t from = 0; from <= key.size();) {
      const std::size_t dot = std::min(key.find('.', from), key.size());
      const auto found = value->is_object() ? value->find(key.substr(from, dot - from)) : value->end();
      if (!value->is_object() || found == value->end()) return nullptr;
      value = &*found;
      from = dot + 1;
    }
    return value;
  }

  void take(const std::string& key, const json& value, std::string& target) {
    if (!value.is_string()) return wrong(key, "is not a text");
    target = value.get<std::string>();
  }
  void take(const std::string& key, const json& value, std::uint64_t& target) {
    if (!value.is_number_unsigned()) return wrong(key, "is not a number");
    target = value.get<std::uint64_t>();
  }
  void take(const std::string& key, const json& value, std::vector<std::string>& target) {
    if (!value.is_array()) return wrong(key, "is not a list");
    for (const json& element : value) take(key, element, target.emplace_back());
  }
  void take(const std::string& key, const json& value, Secret& target) {
    if (!value.is_string()) return wrong(key, "is not a text");
    const auto secret = Secret::parse(value.get_ref<const std::string&>());
    if (!secret.has_value()) return wrong(key, secret.error().message);
    target = *secret;
  }

  void wrong(const std::string& key, const std::string& what) {
    if (problem_.empty()) problem_ = fmt::format("\"{}\" {}", key, what);
  }

  const json& object_;
  std::string name_;
  std::string problem_;
};

void wipe_texts(json& value) {
  if (value.is_string()) wipe_text(value.get_ref<std::string&>());
  if (value.is_object()) {
    for (auto& element : value.items()) wipe_texts(element.value());
  }
}

Outcome<void> make_directory(const std::string& path) {
  std::error_code error;
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  if (!parent.empty() && !std::filesystem::exists(parent, error)) TRY(make_directory(parent));
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return Failure::system("cannot create " + path, errno);
  }
  return {};
}

}  // namespace

std::string arm_record_text(const ArmRecord& record) {
  json object = {
      {"schema", kSchema},
      {"sequence", record.sequence},
      {"boot_id", record.boot_id},
      {"armed_at", record.armed_at},
      {"region", {{"start", record.region_start}, {"size", record.region_size}}},
      {"kernel",
       {{"path", record.kernel_path}, {"version", record.kernel_version}, {"sha256", record.kernel_sha256}}},
      {"command_line", record.command_line},
      {"image",
       {{"size", record.image_size},
        {"unpacked_size", record.image_unpacked_size},
        {"sha256", record.image_sha256},
        {"modules", record.modules}}},
      {"crash_memory", record.crash_memory},
      {"memory", record.memory},
      {"arguments", record.arguments},
      {"secret", record.secret.hexadecimal()},
  };
  if (!record.fleet_key_id.empty()) object["fleet_key_id"] = record.fleet_key_id;
  if (!record.test_id.empty()) object["test_id"] = record.test_id;
  if (!record.dumps_taken.empty()) object["dumps_taken"] = record.dumps_taken;
  if (record.dump_waits != 0) object["dump_waits"] = record.dump_waits;
  // What is not UTF-8, in a path or a command line, must not keep the record from being written.
  std::string text = object.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
  wipe_texts(object);
  return text;
}

Outcome<ArmRecord> parse_arm_record(std::string_view text, const std::string& name) {
  json object = json::parse(text, nullptr, false);
  if (!object.is_object()) return Failure(ErrorCode::corrupt, name + " is not a JSON object");
  Reader reader(object, name);
  std::uint64_t schema = 0;
  reader.required("schema", schema);
  TRY(reader.result());
  if (schema != kSchema) {
    return Failure(ErrorCode::unsupported,
                   fmt::format("{}: \"schema\" is {}, this warmdump knows {}", name, schema, kSchema));
  }
  ArmRecord record;
  reader.required("sequence", record.sequence);
  reader.required("boot_id", record.boot_id);
  reader.required("armed_at", record.armed_at);
  reader.required("region.start", record.region_start);
  reader.required("region.size", record.region_size);
  reader.required("kernel.path", record.kernel_path);
  reader.required("kernel.version", record.kernel_version);
  reader.required("command_line", record.command_line);
  reader.required("image.size", record.image_size);
  reader.required("image.sha256", record.image_sha256);
  reader.required("image.modules", record.modules);
  reader.required("secret", record.secret);
  reader.optional("image.unpacked_size", record.image_unpacked_size);
  reader.optional("crash_memory", record.crash_memory);
  reader.optional("kernel.sha256", record.kernel_sha256);
  reader.optional("memory", record.memory);
  reader.optional("arguments", record.arguments);
  reader.optional("fleet_key_id", record.fleet_key_id);
  reader.optional("test_id", record.test_id);
  reader.optional("dumps_taken", record.dumps_taken);
  reader.optional("dump_waits", record.dump_waits);
  wipe_texts(object);
  TRY(reader.result());
  return record;
}

Outcome<std::string> ArmRecords::path_of(const std::string& boot_id) const {
  const bool is_plain = std::all_of(boot_id.begin(), boot_id.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
  });
  if (boot_id.empty() || boot_id.size() > kBootIdSizeMax || !is_plain) {
    return Failure(ErrorCode::invalid, fmt::format("\"{}\" is not a boot id", boot_id.substr(0, 80)));
  }
  return directory_ + "/" + boot_id + kSuffix;
}

Outcome<std::optional<ArmRecord>> ArmRecords::find(const std::string& boot_id) const {
  const std::string path = TRY(path_of(boot_id));
  auto text = read_whole_file(path, kRecordSizeMax);
  if (!text.has_value()) {
    if (text.error().code == ErrorCode::not_found) return std::optional<ArmRecord>();
    return std::move(text.error());
  }
  const WipedText wiped(std::move(*text));
  ArmRecord record = TRY(parse_arm_record(wiped.text(), path));
  if (record.boot_id != boot_id) {
    return Failure(ErrorCode::corrupt, fmt::format("{}: \"boot_id\" is of another boot", path));
  }
  return std::optional(std::move(record));
}

Outcome<void> ArmRecords::write(const ArmRecord& record) const {
  const std::string path = TRY(path_of(record.boot_id));
  const WipedText text(arm_record_text(record));
  return write_whole_file(path, text.text());
}

Outcome<void> ArmRecords::remove_old() const {
  std::size_t kept = 0, kept_waiting = 0;
  for (const ArmRecord& record : all()) {
    if (++(record.dump_waits != 0 ? kept_waiting : kept) <= kArmRecordsKept) continue;
    const std::string old = TRY(path_of(record.boot_id));
    if (::unlink(old.c_str()) != 0 && errno != ENOENT) return Failure::system("cannot remove " + old, errno);
  }
  return {};
}

Outcome<void> ArmRecords::store(ArmRecord& record) const {
  TRY(path_of(record.boot_id));
  TRY(make_directory(directory_));
  std::uint64_t last = 0;
  for (const ArmRecord& other : all()) {
    last = std::max(last, other.sequence);
    if (other.boot_id != record.boot_id) continue;
    record.sequence = other.sequence;
    record.dumps_taken = other.dumps_taken;
    record.dump_waits = other.dump_waits;
  }
  if (record.sequence == 0) record.sequence = last + 1;
  TRY(write(record));
  return remove_old();
}

Outcome<void> ArmRecords::note_taken(const std::string& boot_id, const std::string& dump_id) const {
  auto record = TRY(find(boot_id));
  if (!record) return {};
  std::vector<std::string>& taken = record->dumps_taken;
  const bool is_noted = std::find(taken.begin(), taken.end(), dump_id) != taken.end();
  if (is_noted && record->dump_waits == 0) return {};
  if (!is_noted) taken.push_back(dump_id);
  record->dump_waits = 0;
  return write(*record);
}

Outcome<void> ArmRecords::note_waiting(const std::string& boot_id) const {
  auto record = TRY(find(boot_id));
  if (!record || record->dump_waits != 0) return {};
  record->dump_waits = 1;
  return write(*record);
}

std::vector<ArmRecord> ArmRecords::all() const {
  std::vector<ArmRecord> records;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(directory_, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().extension() != kSuffix) continue;
    auto record = find(entry->path().stem());
    if (record.has_value() && record->has_value()) records.push_back(std::move(**record));
  }
  std::sort(records.begin(), records.end(),
            [](const ArmRecord& a, const ArmRecord& b) { return a.sequence > b.sequence; });
  return records;
}

}  // namespace warmdump
