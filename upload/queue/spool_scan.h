// What lies in the spool: finished dumps of every layout, not those that nothing proves, nor other programs'
// directories.

#pragma once

#include <string>
#include <vector>

#include "upload/destination/destination.h"
#include "upload/queue/dump_record.h"

namespace warmdump {

struct SpoolScan {
  std::vector<DumpRecord> dumps;     // as seen for the first time
  std::vector<std::string> unknown;  // paths of dumps that cannot be looked at now: neither there nor gone
  std::vector<std::string> untold;   // why, a line each
};

// A spool that is not there is empty. Errors: those of reading it.
Outcome<SpoolScan> scan_spool(const std::string& spool, const Destination& destination, const Moment& now);

}  // namespace warmdump
