// DumpRecord: what is remembered of one dump on its way to one sink: as a JSON file, replaced atomically
// before what depends on it is done. It outlives the process, the machine's power and the dump itself, so
// that no dump is sent twice. Holds no secret.
//
//   queued -> report_sent -> sending -> completing -> done
//        \________\____________\___________\________> parked | dead | dropped
//
// To add a value: a member, a line each in the two halves of dump_record.cc; absent in an older record, it
// keeps its default. The schema number grows only when an older program would misread the file.

#pragma once

#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "upload/destination/destination.h"
#include "upload/policy/moment.h"
#include "upload/source/dump_directory.h"
#include "upload/transfer/object_to_send.h"
#include "upload/transfer/send_failure.h"

namespace warmdump {

enum class DumpState {
  queued,       // the report has not arrived yet
  report_sent,  // the report has: whether the pages follow is open
  sending,      // the pages are on their way
  completing,   // every file has arrived: the manifest is on its way
  done,         // the end: what was to be sent is there; whole_was_sent says whether that was all
  parked,       // until somebody asks for it again: three processes died on it, or it fits into no day
  dead,         // the end: this sink never takes it
  dropped,      // the end: too old, gone, or consent was revoked before it was sent
};
const char* dump_state_name(DumpState state);
bool is_final(DumpState state);  // done, dead, dropped

enum class ObjectState { waiting, sending, done };

struct RecordedObject {
  std::string name;  // of the file, or of a manifest
  ObjectState state = ObjectState::waiting;
  TransferSession session = {};  // while sending
  ObjectReceipt receipt = {};    // when done
  bool operator==(const RecordedObject&) const = default;
};

struct RecordedError {
  Remedy remedy = Remedy::wait;
  ErrorCode code = ErrorCode::none;
  unsigned http_status = 0;
  std::string server_code = {};
  std::string text = {};  // printable, at most 512 bytes
  bool operator==(const RecordedError&) const = default;
};
RecordedError recorded_error(const SendFailure& failure);

struct DumpRecord {
  std::string id;    // record_id(): of the sink and of these very files
  std::string sink;  // Destination::name()
  std::string path;  // of the directory, when it was seen last
  std::string name;  // of the dump
  ByteCount bytes = 0;
  std::string signature = {};  // of the crash; empty: unknown
  std::time_t crash_time = 0;  // 0: unknown

  DumpState state = DumpState::queued;
  std::string reason = {};           // of parked, dead and dropped; of done, why that was not all
  bool whole_was_sent = false;       // with done
  std::vector<DumpFile> files = {};  // with digests when they were made
  std::string dump_id = {};          // of the content, source/dump_key.h; empty before the digests are made
  std::string key = {};              // of the dump at the sink
  std::vector<RecordedObject> objects = {};

  unsigned deaths = 0;       // processes that began work on it and neither ended that nor got a piece across
  unsigned failures = 0;     // runs that failed, in a row
  unsigned attempts = 0;     // requests with bytes, failed ones included
  ByteCount bytes_sent = 0;  // over all runs, failed attempts included
  Moment created = {};
  Moment ended = {};  // when the state became final
  Due next = {};      // when it is tried again
  std::optional<RecordedError> last_error = {};
  std::optional<Destination::Want> want = {};  // what the server said last

  const RecordedObject* find(std::string_view object) const;
  RecordedObject& object(std::string_view name);  // made as needed
};

// 16 lower-case hexadecimal digits. Any change of a file makes another.
std::string record_id(std::string_view sink, const DumpDirectory& dump);

std::string record_text(const DumpRecord& record);
// Errors: corrupt; unsupported for a schema that this program does not know.
Outcome<DumpRecord> parse_record(std::string_view text);

}  // namespace warmdump
