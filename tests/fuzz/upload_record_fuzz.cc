// The files that the uploader remembers by: a record, and the state of the queue.

#include <string>
#include <string_view>

#include "tests/fuzz/fuzz_target.h"
#include "upload/queue/dump_record.h"
#include "upload/queue/queue_state.h"

namespace warmdump::fuzz {
namespace {

DumpRecord a_record() {
  DumpRecord record;
  record.id = "0123456789abcdef";
  record.sink = "s3://dumps";
  record.name = "host-2026-01-31-23:59:59";
  record.files = {{"vmcore", 5, std::string(64, 'a'), 12, 3, nullptr}};
  record.object("vmcore").state = ObjectState::sending;
  record.object("vmcore").session = {"s3", "upload", "token", 8'388'608, 0, true, {{{1, 0, 5}, "etag"}}};
  record.object("meta.json").state = ObjectState::done;
  record.last_error = RecordedError{Remedy::wait, ErrorCode::io, 503, "SlowDown", "text"};
  record.want = Destination::Want::later;
  return record;
}

QueueState a_state() {
  QueueState state;
  state.sink = "s3://dumps";
  state.sink_error = RecordedError{Remedy::change_sink, ErrorCode::io, 403, "AccessDenied", "text"};
  state.journal = {
      {{1'760'000'001, "boot", std::chrono::seconds(5), std::chrono::seconds(6)}, "id", "w1-x", true, 99}};
  return state;
}

std::vector<std::byte> bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

}  // namespace

void fuzz_one(Input input) {
  const std::string_view text(reinterpret_cast<const char*>(input.data()), input.size());
  if (const auto record = parse_record(text)) {
    const auto once = record_text(*record);
    const auto again = parse_record(once);
    expect(again.has_value(), "what was read can be stored and read");
    expect(record_text(*again) == once, "and stays the same");
  }
  if (const auto state = parse_queue_state(text)) {
    const auto once = queue_state_text(*state);
    const auto again = parse_queue_state(once);
    expect(again.has_value(), "what was read can be stored and read");
    expect(queue_state_text(*again) == once, "and stays the same");
    const Moment now{1'800'000'000, "boot", std::chrono::seconds(9), std::chrono::seconds(9)};
    expect(remaining(state->next, now) <= state->next.wait, "no wait grows");
    (void)may_send({1'000'000, 3, 3}, state->journal, now, "id", true, 1);
  }
}

std::vector<std::vector<std::byte>> seeds() {
  return {bytes_of(record_text(a_record())), bytes_of(queue_state_text(a_state())), bytes_of(record_text({})),
          bytes_of(queue_state_text({}))};
}

}  // namespace warmdump::fuzz
