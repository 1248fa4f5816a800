// The offline self-test: a crash that happens only in files, through every program and library that a real
// one goes through. No reboot, no root, nothing of the running machine is touched.
//
//   a synthetic machine ► warmdump-capture ► region file ► recover (spool, wipe) ► vmcore, log, meta.json ►
//   upload
//
// After the capture and after the recovery every page is compared with the machine.

#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/hosted/failure.h"
#include "upload/destination/destination.h"

namespace warmdump {

struct OfflineTestRequest {
  std::string capture_path;  // empty: find_capture_program()
  std::string destination;   // as for `warmdump upload --to`; empty: a directory of the test's own
  DestinationOptions destination_options;
  std::string kept_directory;  // where everything the test makes is to stay; empty: nothing stays
};

struct TestStep {
  std::string name;
  bool ok = false;
  std::string text;  // what was seen, or why it failed
};

struct OfflineTestReport {
  std::vector<TestStep> steps;       // those that ran; the last one may have failed
  std::vector<std::string> not_run;  // names of the steps behind a failed one
  bool ok() const { return not_run.empty() && !steps.empty() && steps.back().ok; }
};

// `on_step` hears of each step when it is over. Every fault of what is tested is a failed step; nothing is
// left behind, but in `kept_directory` and at a destination that cannot remove.
OfflineTestReport run_offline_test(const OfflineTestRequest& request,
                                   const std::function<void(const TestStep&)>& on_step);

}  // namespace warmdump
