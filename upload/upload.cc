#include "upload/upload.h"

#include <fmt/format.h>

#include <ctime>
#include <random>
#include <utility>

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

std::function<double()> seeded_random() {
  return [engine = std::mt19937_64(std::random_device{}())]() mutable {
    return std::uniform_real_distribution<double>(0, 1)(engine);
  };
}

std::vector<ReceiptFile> receipt_files(const DumpDirectory& dump) {
  std::vector<ReceiptFile> files;
  for (const auto& file : dump.files) files.push_back({file.name, file.size, file.sha256});
  return files;
}

class Sender {
 public:
  Sender(const DumpDirectory& dump, Destination& destination, const UploadOptions& options,
         UploadProgress& progress, Clock& clock)
      : dump_(dump),
        destination_(destination),
        policy_(options.retry),
        progress_(progress),
        clock_(clock),
        random_(options.random ? options.random : seeded_random()) {}

  SendOutcome<Destination::Begun> run() {
    const auto begun = TRY(with_retries("begin", [&] { return destination_.begin(dump_); }));
    if (begun == Destination::Begun::already_there) return begun;
    progress_.begin("sending", dump_.total_bytes());
    ByteCount before = 0;
    for (const auto& file : dump_.files) {
      TRY(with_retries(file.name, [&] {
        ++attempts_;
        return destination_.send(dump_, file, [&](ByteCount done) { progress_.update(before + done); });
      }));
      before += file.size;
      progress_.update(before);
    }
    TRY(with_retries("commit", [&] { return destination_.commit(); }));
    progress_.finish();
    return begun;
  }

  unsigned attempts() const { return attempts_; }

 private:
  // A file that arrived starts the count anew: the link works.
  template <class Step>
  auto with_retries(const std::string& what, Step step) -> decltype(step()) {
    for (unsigned failed = 1;; ++failed) {
      auto outcome = step();
      if (outcome.has_value()) return outcome;
      SendFailure& error = outcome.error();
      const auto decision = decide_retry(policy_, error.outlook, failed, error.retry_after, random_());
      if (!decision.again) return give_up(std::move(error), failed);
      progress_.note(fmt::format("{}; {}: attempt {} of {} in {:.1f} s", error.failure.message, what,
                                 failed + 1, policy_.attempts_max,
                                 static_cast<double>(decision.delay.count()) / 1000));
      clock_.sleep_for(decision.delay);
    }
  }

  SendFailure give_up(SendFailure&& error, unsigned failed) {
    destination_.abandon();
    if (error.outlook == Outlook::temporary) {
      if (error.retry_after && *error.retry_after > policy_.patience) {
        error.failure.message += fmt::format("; it asks to come back in {} s", error.retry_after->count());
      }
      error.failure.message +=
          fmt::format("; gave up after {} attempt{}, try again later", failed, failed == 1 ? "" : "s");
    }
    return std::move(error);
  }

  const DumpDirectory& dump_;
  Destination& destination_;
  const RetryPolicy policy_;
  UploadProgress& progress_;
  Clock& clock_;
  std::function<double()> random_;
  unsigned attempts_ = 0;
};

}  // namespace

SendOutcome<UploadReport> upload_dump(const std::string& dump_path, Destination& destination,
                                      const UploadOptions& options, UploadProgress& progress, Clock& clock) {
  DumpDirectory dump = TRY(open_dump_directory(dump_path, options.streamed));
  auto receipts = TRY(in_context(dump_path, load_receipts(dump.directory.get())));
  progress.begin("checking", dump.total_bytes());
  TRY(in_context(dump_path, hash_files(dump, [&](ByteCount done) { progress.update(done); })));
  progress.finish();

  UploadReport report;
  report.dump_name = dump.name;
  report.bytes = dump.total_bytes();
  const auto files = receipt_files(dump);
  if (const Receipt* found = find_receipt(receipts, destination.name(), files); found && !options.again) {
    report.result = UploadResult::receipt_found;
    report.receipt = *found;
    return report;
  }

  const auto start = clock.now();
  Sender sender(dump, destination, options, progress, clock);
  const auto begun = TRY(sender.run());
  report.result = begun == Destination::Begun::ready ? UploadResult::sent : UploadResult::already_there;
  report.attempts = sender.attempts();
  report.seconds = std::chrono::duration<double>(clock.now() - start).count();
  report.receipt = {destination.name(), utc_text(clock.now()), files};

  std::erase_if(receipts, [&](const Receipt& receipt) { return receipt.destination == destination.name(); });
  receipts.push_back(report.receipt);
  TRY(in_context("the dump was sent, but " + dump_path, store_receipts(dump.directory.get(), receipts)));
  return report;
}

}  // namespace warmdump
