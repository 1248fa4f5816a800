// DumpTransfer: sends the objects of one dump, in their order, as its record says what is done already. The
// one way from a dump directory to a destination: of the queue, of `warmdump upload DUMP` and of `--direct`.

#pragma once

#include <functional>
#include <string>

#include "upload/destination/destination.h"
#include "upload/queue/dump_record.h"
#include "upload/source/dump_directory.h"
#include "upload/transfer/transfer.h"

namespace warmdump {

class DumpTransfer {
 public:
  // Stores the record, durable on return.
  using StoreRecord = std::function<Outcome<void>(const DumpRecord&)>;

  // All borrowed. `options`: its `store` is set here.
  DumpTransfer(DumpDirectory& dump, DumpRecord& record, Destination& destination, std::string device,
               const TransferOptions& options, StoreRecord store, UploadProgress& progress, Clock& clock);

  // Digests of the files, as far as the record has none, and from them the names at the destination.
  Outcome<void> prepare(const BytesDone& done);

  // Everything but the pages of memory, then the manifest of the report: the record is `report_sent`.
  // Nothing when that is done.
  SendOutcome<void> send_report();
  // The pages, then the manifest of the whole: the record is `sending`, then `completing`. The caller ends
  // it.
  SendOutcome<void> send_pages();

  ByteCount report_bytes() const { return bytes_of(false); }
  ByteCount page_bytes() const { return bytes_of(true); }

 private:
  SendOutcome<void> send_files(bool with_pages);
  SendOutcome<void> send_manifest(std::string_view name, bool is_whole);
  SendOutcome<void> send(std::string_view name, const ByteSource& bytes, ByteCount size, std::string sha256);
  Outcome<void> enter(DumpState state);
  ByteCount bytes_of(bool with_pages) const;

  DumpDirectory& dump_;
  DumpRecord& record_;
  Destination& destination_;
  const std::string device_;
  TransferOptions options_;
  StoreRecord store_;
  UploadProgress& progress_;
  Clock& clock_;
  ByteCount bytes_before_ = 0;
};

// A record of a dump that was not seen before.
DumpRecord new_record(const DumpDirectory& dump, const Destination& destination, const Moment& now);

// Removes what unfinished objects left at the destination, and forgets their sessions. The dump itself may be
// gone.
void abandon_sessions(DumpRecord& record, Destination& destination);

}  // namespace warmdump
