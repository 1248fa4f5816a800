#include "upload/queue/upload.h"

#include <ctime>
#include <optional>
#include <utility>

#include "upload/policy/failure_verdict.h"
#include "upload/queue/dump_transfer.h"
#include "upload/queue/record_store.h"

namespace warmdump {
namespace {

std::string utc_text(std::chrono::system_clock::time_point time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[sizeof "2026-01-31T23:59:59Z" + 8];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

std::vector<ReceiptFile> receipt_files(const DumpDirectory& dump) {
  std::vector<ReceiptFile> files;
  for (const auto& file : dump.files) files.push_back({file.name, file.size, file.sha256});
  return files;
}

class UploadByHand {
 public:
  UploadByHand(DumpDirectory& dump, Destination& destination, const UploadOptions& options,
               UploadProgress& progress, Clock& clock)
      : dump_(dump), destination_(destination), options_(options), progress_(progress), clock_(clock) {
    if (options.state != nullptr) records_.emplace(*options.state);
  }

  SendOutcome<UploadReport> run() {
    TRY(find_record());
    TransferOptions transfer_options;
    transfer_options.retry = options_.retry;
    transfer_options.random = options_.random;
    transfer_options.stop = options_.stop;
    const auto store = [this](const DumpRecord& record) { return store_record(record); };
    DumpTransfer transfer(dump_, record_, destination_, options_.device, transfer_options, store, progress_,
                          clock_);
    progress_.begin("checking", dump_.total_bytes());
    TRY(in_context(dump_.path, transfer.prepare([this](ByteCount done) { progress_.update(done); })));
    progress_.finish();
    if (auto found = TRY(find_receipt_of_dump())) return report(UploadResult::receipt_found, *found);

    const auto start = clock_.now();
    const unsigned attempts_before = record_.attempts;
    const ByteCount bytes_before = record_.bytes_sent;
    progress_.begin("sending", dump_.total_bytes());
    TRY(send(transfer));
    progress_.finish();
    const bool was_sent = record_.attempts > attempts_before;
    auto sent = report(was_sent ? UploadResult::sent : UploadResult::already_there,
                       {destination_.name(), utc_text(clock_.now()), receipt_files(dump_)});
    sent.attempts = record_.attempts - attempts_before;
    sent.bytes_sent = record_.bytes_sent - bytes_before;
    sent.seconds = std::chrono::duration<double>(clock_.now() - start).count();
    return sent;
  }

 private:
  Outcome<void> find_record() {
    Moment now;
    now.wall = std::chrono::system_clock::to_time_t(clock_.now());
    record_ = new_record(dump_, destination_, now);
    if (!records_) return {};
    if (auto known = TRY(records_->find(record_.id))) record_ = std::move(*known);
    was_done_ = record_.state == DumpState::done && record_.whole_was_sent;
    if (options_.again) {
      abandon_sessions(record_, destination_);
      record_.objects.clear();
    }
    // Whatever became of it before, a person asks for it now.
    if (!was_done_ || options_.again) {
      record_.state = DumpState::queued;
      record_.reason.clear();
      record_.ended = {};
    }
    record_.path = dump_.path;
    return {};
  }

  Outcome<void> store_record(const DumpRecord& record) {
    if (records_) return records_->store(record);
    return {};
  }

  Outcome<std::optional<Receipt>> find_receipt_of_dump() {
    if (options_.again) return std::optional<Receipt>();
    const auto files = receipt_files(dump_);
    if (was_done_) {
      const std::chrono::system_clock::time_point ended{std::chrono::seconds(record_.ended.wall)};
      return std::optional(Receipt{destination_.name(), utc_text(ended), files});
    }
    const auto receipts = TRY(in_context(dump_.path, load_receipts(dump_.directory.get())));
    const Receipt* found = find_receipt(receipts, destination_.name(), files);
    return found != nullptr ? std::optional(*found) : std::optional<Receipt>();
  }

  SendOutcome<void> send(DumpTransfer& transfer) {
    auto sent = [&]() -> SendOutcome<void> {
      TRY(transfer.send_report());
      return transfer.send_pages();
    }();
    if (!sent.has_value()) return give_up(std::move(sent.error()));
    record_.state = DumpState::done;
    record_.whole_was_sent = true;
    record_.failures = 0;
    record_.ended.wall = std::chrono::system_clock::to_time_t(clock_.now());
    record_.next = {};
    record_.last_error.reset();
    TRY(in_context("the dump was sent, but " + dump_.path, store_record(record_)));
    return {};
  }

  // The failure of sending is told, also when it cannot be noted.
  SendFailure give_up(SendFailure&& failure) {
    if (!records_ || !verdict_of(failure).keeps_session) abandon_sessions(record_, destination_);
    record_.last_error = recorded_error(failure);
    const auto stored = store_record(record_);
    if (!stored) failure.failure.message += "; and it cannot be noted: " + stored.error().message;
    return std::move(failure);
  }

  UploadReport report(UploadResult result, Receipt receipt) const {
    UploadReport report;
    report.result = result;
    report.dump_name = dump_.name;
    report.key = record_.key;
    report.receipt = std::move(receipt);
    report.bytes = dump_.total_bytes();
    return report;
  }

  DumpDirectory& dump_;
  Destination& destination_;
  const UploadOptions& options_;
  UploadProgress& progress_;
  Clock& clock_;
  std::optional<RecordStore> records_;
  DumpRecord record_;
  bool was_done_ = false;
};

}  // namespace

SendOutcome<UploadReport> upload_dump(const std::string& dump_path, Destination& destination,
                                      const UploadOptions& options, UploadProgress& progress, Clock& clock) {
  DumpDirectory dump = TRY(open_dump_directory(dump_path, options.streamed));
  return UploadByHand(dump, destination, options, progress, clock).run();
}

}  // namespace warmdump
