// QueueState: what the queue remembers beside its dumps: how the sink is, and what was sent within a day.
// One file, "queue.json".

#pragma once

#include <string>
#include <vector>

#include "upload/policy/daily_limits.h"
#include "upload/queue/dump_record.h"
#include "upload/queue/state_files.h"

namespace warmdump {

struct QueueState {
  Moment seen = {};  // when this was stored: by it the machine's uptime is added up
  std::string sink = {};
  bool sink_is_parked = false;  // somebody has to change something; tried again when `next` is due
  unsigned sink_failures = 0;   // runs in a row that it ended
  Due next = {};                // before this nothing is sent there
  std::optional<RecordedError> sink_error = {};
  std::vector<SentEntry> journal = {};  // of the last day, oldest first
};

std::string queue_state_text(const QueueState& state);
Outcome<QueueState> parse_queue_state(std::string_view text);

// A file that cannot be understood is renamed to "queue.json.bad" and counts as none; one of a newer schema
// is `unsupported`.
Outcome<QueueState> load_queue_state(StateFiles& files);
Outcome<void> store_queue_state(StateFiles& files, const QueueState& state);

// Pause: nothing is sent from when this returns, or from the next piece on, until resumed. Outlives boots.
Outcome<void> pause_uploads(StateFiles& files);
Outcome<void> resume_uploads(StateFiles& files);
Outcome<bool> uploads_are_paused(StateFiles& files);

}  // namespace warmdump
