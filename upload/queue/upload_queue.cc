#include "upload/queue/upload_queue.h"

#include "upload/queue/queue_run.h"

namespace warmdump {

Outcome<QueueReport> run_queue(const QueueOptions& options, QueueSeams& seams) {
  return QueueRun(options, seams).run();
}

Outcome<QueueReport> plan_queue(const QueueOptions& options, QueueSeams& seams) {
  return QueueRun(options, seams).plan();
}

Outcome<QueueStatus> queue_status(StateFiles& state) {
  QueueStatus status;
  status.is_paused = TRY(uploads_are_paused(state));
  auto queue = load_queue_state(state);
  if (queue) {
    status.queue = std::move(*queue);
  } else {
    status.untold.push_back(queue.error().message);
  }
  RecordStore records(state);
  status.records = TRY(records.all(status.untold));
  return status;
}

}  // namespace warmdump
