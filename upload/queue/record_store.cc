#include "upload/queue/record_store.h"

#include <algorithm>

namespace warmdump {
namespace {

constexpr std::string_view kPrefix = "dump-";
constexpr std::string_view kSuffix = ".json";
constexpr ByteCount kRecordSizeMax = 4 * kMiB;  // 10000 pieces of a session take 1 MiB

std::string file_name(const std::string& id) {
  return std::string(kPrefix) + id + std::string(kSuffix);
}

bool is_record(const std::string& name) {
  return name.starts_with(kPrefix) && name.ends_with(kSuffix);
}

}  // namespace

Outcome<std::optional<DumpRecord>> RecordStore::load(const std::string& name) {
  auto text = files_.read(name, kRecordSizeMax);
  const bool is_odd =
      !text && (text.error().code == ErrorCode::no_space || text.error().code == ErrorCode::corrupt);
  if (!text && !is_odd) return std::move(text.error());
  if (text && !*text) return std::optional<DumpRecord>();
  if (text) {
    auto record = parse_record(**text);
    if (record && file_name(record->id) == name) return std::optional(std::move(*record));
    if (!record && record.error().code == ErrorCode::unsupported) return std::move(record.error()).in(name);
  }
  TRY(in_context(name + " is damaged and cannot be set aside", files_.rename(name, name + ".bad")));
  TRY(files_.flush_names());
  return std::optional<DumpRecord>();
}

Outcome<std::optional<DumpRecord>> RecordStore::find(const std::string& id) {
  return load(file_name(id));
}

Outcome<std::vector<DumpRecord>> RecordStore::all(std::vector<std::string>& untold) {
  std::vector<DumpRecord> records;
  for (const auto& name : TRY(files_.names())) {
    if (!is_record(name)) continue;
    auto record = load(name);
    if (!record) {
      untold.push_back(record.error().message);
    } else if (*record) {
      records.push_back(std::move(**record));
    } else {
      untold.push_back(name + " was damaged and is set aside as " + name + ".bad");
    }
  }
  return records;
}

Outcome<void> RecordStore::store(const DumpRecord& record) {
  return replace_durably(files_, file_name(record.id), record_text(record));
}

Outcome<void> RecordStore::remove(const std::string& id) {
  TRY(files_.remove(file_name(id)));
  return files_.flush_names();
}

std::vector<std::string> prunable(const std::vector<DumpRecord>& records,
                                  const std::vector<std::string>& present, const Moment& now) {
  std::vector<const DumpRecord*> gone;
  for (const auto& record : records) {
    const bool is_present = std::find(present.begin(), present.end(), record.id) != present.end();
    if (is_final(record.state) && !is_present) gone.push_back(&record);
  }
  std::stable_sort(gone.begin(), gone.end(), [&](const DumpRecord* a, const DumpRecord* b) {
    return elapsed(a->ended, now) > elapsed(b->ended, now);
  });
  std::vector<std::string> ids;
  std::size_t count = records.size();
  for (const DumpRecord* record : gone) {
    if (count <= kRecordsMax && elapsed(record->ended, now) < kRecordAgeMax) break;
    ids.push_back(record->id);
    --count;
  }
  return ids;
}

}  // namespace warmdump
