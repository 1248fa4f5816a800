// The record of an armed boot: what `warmdump arm` loaded, and the secret it put into the crash image.
// Written before the crash kernel is loaded, so that no dump can come whose record is missing; read by
// whoever asks whether the machine is armed, and by the next boot to judge the dump it finds.
//
// A JSON file of root alone, <directory>/<boot id>.json, mode 0600:
//
//   {"schema": 1, "sequence": 7, "boot_id": "...", "armed_at": "2025-01-31T12:00:00Z",
//    "region": {"start": 4561305600, "size": 538968064},
//    "kernel": {"path": "...", "version": "6.1.0-50-amd64", "sha256": "..."}, "command_line": "...",
//    "image": {"size": 213456, "unpacked_size": 512000, "sha256": "...", "modules": ["libnvdimm", ...]},
//    "crash_memory": 134217728, "memory": "...", "arguments": ["--dump-level=16", ...],
//    "secret": "<64 hexadecimal digits>", "fleet_key_id": "...", "test_id": "...",
//    "dumps_taken": ["<16 hexadecimal digits>"], "dump_waits": 1}
//
// To add a value: a member of ArmRecord, a line each in the two halves of arm_record.cc; absent in an older
// record, it keeps its default. `schema` grows only when an older program would misread the file.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/hosted/failure.h"
#include "common/hosted/secret.h"
#include "common/units.h"

namespace warmdump {

inline constexpr const char* kArmRecordDirectory = "/var/lib/warmdump/arm";
inline constexpr std::size_t kArmRecordsKept = 4;  // boots; a dump may wait in the region over some

struct ArmRecord {
  std::uint64_t sequence = 0;  // counts armed boots, since a clock may be wrong; store() sets it
  std::string boot_id;
  std::string armed_at;  // UTC, "2025-01-31T12:00:00Z"; when `warmdump arm` ran last, reloads aside
  PhysicalAddress region_start = 0;
  ByteCount region_size = 0;
  std::string kernel_path;
  std::string kernel_version;  // of the crash kernel
  std::string kernel_sha256;
  std::string command_line;           // of the crash kernel
  ByteCount image_size = 0;           // as loaded
  ByteCount image_unpacked_size = 0;  // of the files it becomes
  std::string image_sha256;           // image_digest(): without what differs in each image
  std::vector<std::string> modules;   // in the image, in load order
  ByteCount crash_memory = 0;         // set apart by crashkernel= when it was loaded
  std::string memory;  // memory_fingerprint() when it was loaded: what the elfcorehdr was made from
  std::vector<std::string> arguments;  // of `warmdump arm`, by which it can be loaded again
  // One per boot, however often it is armed: a dump of this boot can then be judged whichever of the images
  // was loaded, also when a load failed half way.
  Secret secret;
  std::string fleet_key_id;  // of the key that dumps are encrypted for; empty: they are not
  std::string test_id;       // of a crash made on purpose; empty: none
  // Ids of the dumps of this boot that recovery has saved: the same one found again was put back by somebody.
  std::vector<std::string> dumps_taken;
  std::uint64_t dump_waits = 0;  // 1: a dump of this boot could not be saved yet, and needs this record
};

// One line of JSON. Holds the secret: the caller wipes it.
std::string arm_record_text(const ArmRecord& record);

// `name` is the file's, for messages. ErrorCode::corrupt with the key that is missing or wrong, unsupported
// for a schema this program does not know.
Outcome<ArmRecord> parse_arm_record(std::string_view text, const std::string& name);

class ArmRecords {
 public:
  explicit ArmRecords(std::string directory = kArmRecordDirectory) : directory_(std::move(directory)) {}

  // Empty when this boot was never armed. ErrorCode::invalid for what is no boot id.
  Outcome<std::optional<ArmRecord>> find(const std::string& boot_id) const;

  // Creates or replaces the record of its boot, durable when this returns, and removes those of all but the
  // last kArmRecordsKept boots, and of as many that have a dump waiting. What recovery noted of this boot
  // stays. The directory is made as needed, 0700. On failure an older record of this boot is still whole.
  Outcome<void> store(ArmRecord& record) const;

  // Notes that this dump of the boot was saved; durable when this returns. Nothing when it is noted already,
  // or when there is no record to note it in: a dump of that boot is then of an unknown one.
  Outcome<void> note_taken(const std::string& boot_id, const std::string& dump_id) const;

  // Notes that a dump of the boot waits to be saved, so that the record outlives later boots until it is.
  Outcome<void> note_waiting(const std::string& boot_id) const;

  // Every record that can be read, that of the last boot first.
  std::vector<ArmRecord> all() const;

  const std::string& directory() const { return directory_; }

 private:
  Outcome<std::string> path_of(const std::string& boot_id) const;
  Outcome<void> write(const ArmRecord& record) const;
  Outcome<void> remove_old() const;

  std::string directory_;
};

}  // namespace warmdump
