#include "upload/queue/dump_record.h"

#include <fmt/format.h>

#include <algorithm>

#include "upload/queue/state_json.h"

namespace warmdump {
namespace {

using namespace state_json;

constexpr int kSchema = 1;
constexpr std::size_t kErrorTextMax = 512;
constexpr std::size_t kIdDigits = 16;

// Stored names. To add one: a row; the enumerator beside the others in the header.
constexpr Named<DumpState> kStates[] = {
    {DumpState::queued, "queued"},   {DumpState::report_sent, "report_sent"},
    {DumpState::sending, "sending"}, {DumpState::completing, "completing"},
    {DumpState::done, "done"},       {DumpState::parked, "parked"},
    {DumpState::dead, "dead"},       {DumpState::dropped, "dropped"},
};
constexpr Named<ObjectState> kObjectStates[] = {
    {ObjectState::waiting, "waiting"}, {ObjectState::sending, "sending"}, {ObjectState::done, "done"}};
constexpr Named<Destination::Want> kWants[] = {{Destination::Want::dump, "dump"},
                                               {Destination::Want::nothing, "nothing"},
                                               {Destination::Want::later, "later"}};

ordered_json session_json(const TransferSession& session) {
  ordered_json sent = ordered_json::array();
  for (const auto& piece : session.sent) {
    sent.push_back({{"number", piece.piece.number},
                    {"offset", piece.piece.offset},
                    {"size", piece.piece.size},
                    {"tag", piece.tag}});
  }
  return {{"protocol", session.protocol}, {"id", session.id},
          {"token", session.token},       {"piece_size", session.piece_size},
          {"expires", session.expires},   {"is_finishing", session.is_finishing},
          {"sent", std::move(sent)}};
}

TransferSession session_of(const json& object) {
  TransferSession session;
  take(object, "protocol", session.protocol);
  take(object, "id", session.id);
  take(object, "token", session.token);
  take(object, "piece_size", session.piece_size);
  take(object, "expires", session.expires);
  take(object, "is_finishing", session.is_finishing);
  for (const auto& stored : object.value("sent", json::array())) {
    SentPiece piece;
    take(stored, "number", piece.piece.number);
    take(stored, "offset", piece.piece.offset);
    take(stored, "size", piece.piece.size);
    take(stored, "tag", piece.tag);
    session.sent.push_back(std::move(piece));
  }
  return session;
}

ordered_json object_json(const RecordedObject& object) {
  ordered_json stored = {{"name", object.name}, {"state", name_in(kObjectStates, object.state)}};
  if (!object.session.protocol.empty()) stored["session"] = session_json(object.session);
  if (object.state == ObjectState::done) {
    stored["receipt"] = {
        {"key", object.receipt.key}, {"tag", object.receipt.tag}, {"request_id", object.receipt.request_id}};
  }
  return stored;
}

RecordedObject object_of(const json& stored) {
  RecordedObject object;
  object.name = stored.at("name");
  object.state = value_in(kObjectStates, stored.at("state"));
  if (stored.contains("session")) object.session = session_of(stored.at("session"));
  const auto receipt = stored.find("receipt");
  if (receipt != stored.end()) {
    take(*receipt, "key", object.receipt.key);
    take(*receipt, "tag", object.receipt.tag);
    take(*receipt, "request_id", object.receipt.request_id);
  }
  return object;
}

ordered_json file_json(const DumpFile& file) {
  return {{"name", file.name},
          {"size", file.size},
          {"sha256", file.sha256},
          {"inode", file.inode},
          {"modified_ns", file.modified_nanoseconds}};
}

DumpFile file_of(const json& stored) {
  DumpFile file;
  file.name = stored.at("name");
  take(stored, "size", file.size);
  take(stored, "sha256", file.sha256);
  take(stored, "inode", file.inode);
  take(stored, "modified_ns", file.modified_nanoseconds);
  return file;
}

DumpRecord record_of(const json& stored) {
  DumpRecord record;
  record.id = stored.at("id");
  record.sink = stored.at("sink");
  record.state = value_in(kStates, stored.at("state"));
  take(stored, "path", record.path);
  take(stored, "name", record.name);
  take(stored, "bytes", record.bytes);
  take(stored, "signature", record.signature);
  take(stored, "crash_time", record.crash_time);
  take(stored, "reason", record.reason);
  take(stored, "whole_was_sent", record.whole_was_sent);
  take(stored, "dump_id", record.dump_id);
  take(stored, "key", record.key);
  take(stored, "deaths", record.deaths);
  take(stored, "failures", record.failures);
  take(stored, "attempts", record.attempts);
  take(stored, "bytes_sent", record.bytes_sent);
  if (stored.contains("created")) record.created = to_moment(stored.at("created"));
  if (stored.contains("ended")) record.ended = to_moment(stored.at("ended"));
  if (stored.contains("next")) record.next = to_due(stored.at("next"));
  if (stored.contains("last_error")) record.last_error = to_error(stored.at("last_error"));
  if (stored.contains("want")) record.want = value_in(kWants, stored.at("want"));
  for (const auto& file : stored.value("files", json::array())) record.files.push_back(file_of(file));
  for (const auto& object : stored.value("objects", json::array()))
    record.objects.push_back(object_of(object));
  return record;
}

ordered_json record_json(const DumpRecord& record) {
  ordered_json files = ordered_json::array();
  for (const auto& file : record.files) files.push_back(file_json(file));
  ordered_json objects = ordered_json::array();
  for (const auto& object : record.objects) objects.push_back(object_json(object));
  ordered_json stored = {{"schema", kSchema},
                         {"id", record.id},
                         {"sink", record.sink},
                         {"path", record.path},
                         {"name", record.name},
                         {"bytes", record.bytes},
                         {"signature", record.signature},
                         {"crash_time", record.crash_time},
                         {"state", name_in(kStates, record.state)},
                         {"reason", record.reason},
                         {"whole_was_sent", record.whole_was_sent},
                         {"dump_id", record.dump_id},
                         {"key", record.key},
                         {"deaths", record.deaths},
                         {"failures", record.failures},
                         {"attempts", record.attempts},
                         {"bytes_sent", record.bytes_sent},
                         {"created", from_moment(record.created)},
                         {"ended", from_moment(record.ended)},
                         {"next", from_due(record.next)}};
  if (record.last_error) stored["last_error"] = from_error(*record.last_error);
  if (record.want) stored["want"] = name_in(kWants, *record.want);
  stored["files"] = std::move(files);
  stored["objects"] = std::move(objects);
  return stored;
}

std::string printable(std::string_view text, std::size_t size_max) {
  std::string clean(text.substr(0, size_max));
  std::replace_if(
      clean.begin(), clean.end(), [](char c) { return c < ' ' || c > '~'; }, ' ');
  return clean;
}

}  // namespace

const char* dump_state_name(DumpState state) {
  return name_in(kStates, state);
}

bool is_final(DumpState state) {
  return state == DumpState::done || state == DumpState::dead || state == DumpState::dropped;
}

RecordedError recorded_error(const SendFailure& failure) {
  return {failure.remedy, failure.failure.code, failure.http_status, printable(failure.server_code, 64),
          printable(failure.failure.message, kErrorTextMax)};
}

const RecordedObject* DumpRecord::find(std::string_view object_name) const {
  const auto found = std::find_if(objects.begin(), objects.end(),
                                  [&](const RecordedObject& known) { return known.name == object_name; });
  return found == objects.end() ? nullptr : &*found;
}

RecordedObject& DumpRecord::object(std::string_view object_name) {
  if (const RecordedObject* known = find(object_name))
    return objects[static_cast<std::size_t>(known - objects.data())];
  objects.push_back({std::string(object_name)});
  return objects.back();
}

std::string record_id(std::string_view sink, const DumpDirectory& dump) {
  std::vector<std::string> lines;
  for (const auto& file : dump.files) {
    lines.push_back(
        fmt::format("{} {} {} {}\n", file.size, file.inode, file.modified_nanoseconds, file.name));
  }
  std::sort(lines.begin(), lines.end());
  std::string text = std::string(sink) + "\n" + dump.name + "\n";
  for (const auto& line : lines) text += line;
  const ByteCount size = text.size();
  return sha256_of(TextSource(std::move(text)), size, [](ByteCount) {})->substr(0, kIdDigits);
}

std::string record_text(const DumpRecord& record) {
  return text_of(record_json(record));
}

Outcome<DumpRecord> parse_record(std::string_view text) {
  return parse_state(text, kSchema, record_of);
}

}  // namespace warmdump
