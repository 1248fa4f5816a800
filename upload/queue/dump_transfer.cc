#include "upload/queue/dump_transfer.h"

#include <algorithm>
#include <utility>

#include "upload/source/dump_key.h"

namespace warmdump {
namespace {

const char* content_type(std::string_view name) {
  if (name.ends_with(".json")) return "application/json";
  if (name.ends_with(".html")) return "text/html";
  return name.ends_with(".txt") ? "text/plain" : "application/octet-stream";
}

std::string object_key(const DumpRecord& record, std::string_view name) {
  return record.key + "/" + key_segment(name);
}

// Manifests are no bytes of the dump.
bool is_manifest(std::string_view name) {
  return name == kManifestName || name == kReportManifestName;
}

class NotesOnly final : public UploadProgress {
 public:
  explicit NotesOnly(UploadProgress& progress) : progress_(progress) {}
  void begin(std::string_view, ByteCount) override {}
  void update(ByteCount) override {}
  void finish() override {}
  void note(std::string_view text) override { progress_.note(text); }

 private:
  UploadProgress& progress_;
};

}  // namespace

DumpTransfer::DumpTransfer(DumpDirectory& dump, DumpRecord& record, Destination& destination,
                           std::string device, const TransferOptions& options, StoreRecord store,
                           UploadProgress& progress, Clock& clock)
    : dump_(dump),
      record_(record),
      destination_(destination),
      device_(std::move(device)),
      options_(options),
      store_(std::move(store)),
      progress_(progress),
      clock_(clock) {}

Outcome<void> DumpTransfer::prepare(const BytesDone& done) {
  for (auto& file : dump_.files) {
    const auto known = std::find_if(record_.files.begin(), record_.files.end(),
                                    [&](const DumpFile& other) { return other.name == file.name; });
    const bool is_same = file.stream == nullptr && known != record_.files.end() && known->size == file.size &&
                         known->inode == file.inode &&
                         known->modified_nanoseconds == file.modified_nanoseconds;
    if (is_same) file.sha256 = known->sha256;
  }
  TRY(hash_files(dump_, done));
  record_.files = dump_.files;
  for (auto& file : record_.files) file.stream = nullptr;
  record_.dump_id = dump_id(dump_);
  const std::string key = dump_key(device_, dump_.name, record_.dump_id);
  // Another device name: what was begun under the old names is not gone on with.
  if (!record_.objects.empty() && record_.key != key) abandon_sessions(record_, destination_);
  if (record_.key != key) record_.objects.clear();
  record_.key = key;
  return store_(record_);
}

SendOutcome<void> DumpTransfer::send_report() {
  TRY(send_files(false));
  TRY(send_manifest(kReportManifestName, false));
  if (record_.state == DumpState::queued) TRY(enter(DumpState::report_sent));
  return {};
}

SendOutcome<void> DumpTransfer::send_pages() {
  if (record_.state != DumpState::completing) TRY(enter(DumpState::sending));
  TRY(send_files(true));
  TRY(enter(DumpState::completing));
  return send_manifest(kManifestName, true);
}

SendOutcome<void> DumpTransfer::send_files(bool with_pages) {
  for (const auto& file : dump_.files) {
    if (dump_.has_pages(file) != with_pages) continue;
    const RecordedObject* known = record_.find(file.name);
    if (known == nullptr || known->state != ObjectState::done) {
      const OpenedFile opened = TRY(open_unchanged(dump_, file));
      TRY(send(file.name, opened, file.size, file.sha256));
      TRY(opened.check_unchanged());
    }
    bytes_before_ += file.size;
    progress_.update(bytes_before_);
  }
  return {};
}

SendOutcome<void> DumpTransfer::send_manifest(std::string_view name, bool is_whole) {
  const RecordedObject* known = record_.find(name);
  if (known != nullptr && known->state == ObjectState::done) return {};
  const TextSource text(manifest_text(dump_, record_.dump_id, device_, is_whole));
  const ByteCount size = text.text().size();
  return send(name, text, size, TRY(sha256_of(text, size, [](ByteCount) {})));
}

SendOutcome<void> DumpTransfer::send(std::string_view name, const ByteSource& bytes, ByteCount size,
                                     std::string sha256) {
  ObjectToSend object{object_key(record_, name), &bytes, size, std::move(sha256), content_type(name)};
  object.metadata = {{"dump-id", record_.dump_id}};
  // A reference to it would not outlive the next one that is made.
  TransferSession session = record_.object(name).session;
  TransferReport account;
  auto options = options_;
  options.account = &account;
  ByteCount pieces_before = session.sent.size();
  options.store = [&](const TransferSession& changed) -> Outcome<void> {
    auto& recorded = record_.object(name);
    recorded.state = ObjectState::sending;
    recorded.session = changed;
    if (changed.sent.size() > pieces_before) record_.deaths = 0;
    pieces_before = changed.sent.size();
    return store_(record_);
  };
  NotesOnly notes(progress_);
  UploadProgress& progress = is_manifest(name) ? notes : progress_;
  auto sent = transfer_object(object, destination_, session, options, bytes_before_, progress, clock_);
  record_.attempts += account.attempts;
  record_.bytes_sent += account.bytes_sent;
  auto& recorded = record_.object(name);
  if (!sent.has_value()) {
    recorded.session = std::move(session);
    return std::move(sent.error());
  }
  recorded.state = ObjectState::done;
  recorded.session = {};
  recorded.receipt = sent->receipt;
  record_.deaths = 0;
  TRY(store_(record_));
  return {};
}

Outcome<void> DumpTransfer::enter(DumpState state) {
  if (record_.state == state) return {};
  record_.state = state;
  return store_(record_);
}

ByteCount DumpTransfer::bytes_of(bool with_pages) const {
  ByteCount bytes = 0;
  for (const auto& file : dump_.files) bytes += dump_.has_pages(file) == with_pages ? file.size : 0;
  return bytes;
}

DumpRecord new_record(const DumpDirectory& dump, const Destination& destination, const Moment& now) {
  DumpRecord record;
  record.sink = destination.name();
  record.id = record_id(record.sink, dump);
  record.path = dump.path;
  record.name = dump.name;
  record.bytes = dump.total_bytes();
  record.signature = dump.facts.signature;
  record.crash_time = dump.facts.crash_time;
  record.created = now;
  return record;
}

void abandon_sessions(DumpRecord& record, Destination& destination) {
  for (auto& object : record.objects) {
    if (object.state != ObjectState::sending) continue;
    const auto file = std::find_if(record.files.begin(), record.files.end(),
                                   [&](const DumpFile& known) { return known.name == object.name; });
    ObjectToSend lost{object_key(record, object.name), nullptr, 0, "", content_type(object.name)};
    if (file != record.files.end()) {
      lost.size = file->size;
      lost.sha256 = file->sha256;
    }
    if (!object.session.protocol.empty()) destination.abandon(lost, object.session);
    object.state = ObjectState::waiting;
    object.session = {};
  }
}

}  // namespace warmdump
