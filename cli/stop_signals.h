// SIGTERM, SIGINT and SIGHUP as a request to stop.

#pragma once

#include "upload/transfer/stop_request.h"

namespace warmdump {

// While it lives the first of these signals requests `stop`, which outlives it; the second of a kind does
// what it does by default. One at a time.
//
// What waits for a server cannot look at the request. After kPatienceSeconds the process ends as it is, with
// kExitTemporary and a line to standard error: the records of the queue are whole after a death at any step.
class StopSignals {
 public:
  static constexpr unsigned kPatienceSeconds = 5;

  explicit StopSignals(StopRequest& stop);
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
};

}  // namespace warmdump
