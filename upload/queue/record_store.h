// RecordStore: the records of all dumps, one file each, "dump-<id>.json".

#pragma once

#include <string>
#include <vector>

#include "upload/queue/dump_record.h"
#include "upload/queue/state_files.h"

namespace warmdump {

class RecordStore {
 public:
  // `files` outlives it.
  explicit RecordStore(StateFiles& files) : files_(files) {}

  // A record that cannot be understood is renamed to "<name>.bad" and counts as none: its dump starts anew,
  // which sends what is there already under the same names. One of a newer schema is left alone and
  // `unsupported`.
  Outcome<std::optional<DumpRecord>> find(const std::string& id);

  // In the order of their names. `untold` gets a line for each that was set aside or left alone.
  Outcome<std::vector<DumpRecord>> all(std::vector<std::string>& untold);

  // Durable on return; on failure the record before is whole.
  Outcome<void> store(const DumpRecord& record);
  Outcome<void> remove(const std::string& id);

 private:
  Outcome<std::optional<DumpRecord>> load(const std::string& name);

  StateFiles& files_;
};

// Final records of dumps that are gone, kept so that none is sent twice, do not grow for ever.
inline constexpr std::chrono::seconds kRecordAgeMax{365 * 24 * 60 * 60};
inline constexpr std::size_t kRecordsMax = 1024;
// Ids that may go: final, their dump is gone (its id is not in `present`), and older than that or the oldest
// of too many.
std::vector<std::string> prunable(const std::vector<DumpRecord>& records,
                                  const std::vector<std::string>& present, const Moment& now);

}  // namespace warmdump
