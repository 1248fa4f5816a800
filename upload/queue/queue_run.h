// QueueRun: one run of the queue, step by step. Only for upload_queue.cc.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "upload/policy/retry_budget.h"
#include "upload/queue/dump_transfer.h"
#include "upload/queue/queue_order.h"
#include "upload/queue/record_store.h"
#include "upload/queue/spool_scan.h"
#include "upload/queue/upload_queue.h"

namespace warmdump {

class QueueRun {
 public:
  QueueRun(const QueueOptions& options, QueueSeams& seams);

  Outcome<QueueReport> run();
  Outcome<QueueReport> plan();

 private:
  struct Entry {
    DumpRecord record;
    ByteCount bytes_before = 0;
    bool is_new = false;
    std::string told = {};
  };
  enum class Step { go_on, end };

  Moment now() const;
  Outcome<void> load_state();
  Outcome<void> store_state();
  Outcome<Permission> permission(bool has_pages);
  bool is_stopping() const { return seams_.stop != nullptr && seams_.stop->is_requested(); }
  bool is_due(const DumpRecord& record) const;

  Outcome<void> find_dumps();
  void add_dump(DumpRecord record, bool is_new);
  // Ends what is too old or gone, and forgets what ended long ago.
  Outcome<void> clear_up();
  bool is_waiting_here(const DumpRecord& record) const;
  Outcome<void> drop_all(const std::string& reason);
  Outcome<void> finish(DumpRecord& record, DumpState state, const std::string& reason);
  Outcome<void> end_unsent(DumpRecord& record, const std::string& reason);

  // False: the run has ended before it began.
  Outcome<bool> may_begin();
  Outcome<void> send_reports();
  Outcome<void> send_pages();
  Outcome<Step> send_pages_of(Entry& entry);
  Outcome<std::optional<PagesDecision>> decide(Entry& entry);
  std::vector<std::size_t> order(bool of_pages) const;

  Outcome<Step> work(Entry& entry, bool has_pages);
  SendOutcome<void> send(Entry& entry, DumpDirectory& dump, bool has_pages);
  Outcome<bool> was_sent_before(const Entry& entry, const DumpDirectory& dump);
  SendOutcome<void> may_go_on(const Entry& entry, bool has_pages, ByteCount next_bytes);
  Outcome<void> succeed(Entry& entry, bool has_pages);
  Outcome<Step> fail(Entry& entry, const SendFailure& failure);
  Outcome<Step> halted(Entry& entry);
  Outcome<Step> blame(Entry& entry, const SendFailure& failure);
  Outcome<Step> rest_sink(const SendFailure& failure, bool is_parked, std::chrono::seconds wait);

  std::string intent(const Entry& entry, bool rests);
  QueueReport report();
  Step end(QueueEnd how, const std::string& why);

  const QueueOptions& options_;
  QueueSeams& seams_;
  std::function<double()> random_;
  RecordStore records_;
  RetryBudget budget_;
  QueueState state_;
  std::vector<Entry> entries_;
  bool has_looked_ = false;
  SpoolScan scan_;
  std::vector<DumpRecord> others_;  // whose dumps are not in the spool, or of other sinks
  QueueReport report_;

  // Why the transfer that is going on may not go on.
  struct Halt {
    Permission permission = Permission::granted;
    std::optional<Allowance> limit = {};
    std::optional<Failure> failure = {};
  };
  std::optional<Halt> halt_;
  ByteCount counted_ = 0;  // in the journal, for the transfer that is going on
};

}  // namespace warmdump
