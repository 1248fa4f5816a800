// run_queue: one run over the finished dumps of the spool: `warmdump upload`, started by a timer, after a
// boot, after a recovery. Everything it knows from before is in its state files, so it may be killed at any
// time.
//
// First the reports of all dumps, the first of each kind of crash before the others, then oldest first; then,
// in the same order, the pages of memory of those of which they are wanted. What fails for a reason of the
// dump's does not hold the others up; what fails for a reason of the sink's ends the run.

#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "upload/policy/backoff.h"
#include "upload/policy/daily_limits.h"
#include "upload/policy/send_permission.h"
#include "upload/policy/wanted_parts.h"
#include "upload/queue/dump_record.h"
#include "upload/queue/queue_state.h"
#include "upload/queue/state_files.h"
#include "upload/transfer/clock.h"
#include "upload/transfer/retry_policy.h"
#include "upload/transfer/stop_request.h"
#include "upload/transfer/upload_progress.h"

namespace warmdump {

struct QueueOptions {
  std::string spool;   // such as "/var/crash"
  std::string device;  // first part of every key; also what spreads machines
  PagesPolicy pages = PagesPolicy::always;
  DailyLimits limits = {};
  PermissionSettings permission = {};
  std::chrono::seconds spread{600};
  Backoff backoff = {};
  std::chrono::seconds give_up_age{30 * kDay};  // since the queue saw it first
  RetryPolicy retry = {};
  // Asked for by a person: what waits, rests or is parked is tried at once. Limits of the day, pauses,
  // consent and links hold.
  bool now = false;
};

// Borrowed, for one run.
struct QueueSeams {
  Destination& destination;
  StateFiles& state;
  Clock& clock;
  UploadProgress& progress;
  std::string boot_id;  // /proc/sys/kernel/random/boot_id
  std::function<Surroundings()>
      surroundings;  // empty: nothing is in the way. is_paused is added by the queue itself
  std::function<double()> random = {};  // in [0, 1); empty for a seeded generator
  const StopRequest* stop = nullptr;
};

enum class QueueEnd {
  finished,     // everything was looked at; some may wait for their time
  not_now,      // pause, consent, link, battery
  sink_parked,  // somebody has to change something there or here
  sink_rests,   // it or the way to it is not well
  stopped,      // on request
};

struct QueuedDump {
  std::string name;
  std::string id;  // of its record; empty when it has none
  DumpState state = DumpState::queued;
  std::string told;          // in words, what was or would be done, or why not
  ByteCount bytes_sent = 0;  // in this run
};

struct QueueReport {
  QueueEnd end = QueueEnd::finished;
  std::string why = {};                  // of every end but `finished`
  std::vector<QueuedDump> dumps = {};    // in the order of the run
  std::vector<std::string> untold = {};  // what was passed over or set aside, a line each
  std::chrono::seconds next{0};          // until something is due; 0: nothing waits
  bool has_failed = false;               // a dump or the sink failed in this run
};

// Errors: busy (another run is at work); those of the spool and of the state files. Failures of dumps and of
// the sink are in the report, and noted for the next run.
Outcome<QueueReport> run_queue(const QueueOptions& options, QueueSeams& seams);

// What run_queue() would do now; changes nothing, sends nothing, needs no lock.
Outcome<QueueReport> plan_queue(const QueueOptions& options, QueueSeams& seams);

// For `status`: what is remembered.
struct QueueStatus {
  QueueState queue;
  bool is_paused = false;
  std::vector<DumpRecord> records;
  std::vector<std::string> untold;
};
Outcome<QueueStatus> queue_status(StateFiles& state);

}  // namespace warmdump
