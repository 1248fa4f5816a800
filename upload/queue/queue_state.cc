#include "upload/queue/queue_state.h"

#include "upload/queue/state_json.h"

namespace warmdump {
namespace {

using namespace state_json;

constexpr int kSchema = 1;
constexpr ByteCount kStateSizeMax = 4 * kMiB;
const std::string kFile = "queue.json";
const std::string kPauseFile = "paused";

ordered_json from_entry(const SentEntry& entry) {
  return {{"at", from_moment(entry.at)},
          {"dump", entry.dump},
          {"signature", entry.signature},
          {"has_pages", entry.has_pages},
          {"bytes", entry.bytes}};
}

SentEntry to_entry(const json& stored) {
  SentEntry entry;
  entry.at = to_moment(stored.at("at"));
  take(stored, "dump", entry.dump);
  take(stored, "signature", entry.signature);
  take(stored, "has_pages", entry.has_pages);
  take(stored, "bytes", entry.bytes);
  if (entry.bytes > std::numeric_limits<ByteCount>::max() / 1024 / 1024) throw Misfit();
  return entry;
}

QueueState state_of(const json& stored) {
  QueueState state;
  state.seen = to_moment(stored.at("seen"));
  take(stored, "sink", state.sink);
  take(stored, "sink_is_parked", state.sink_is_parked);
  take(stored, "sink_failures", state.sink_failures);
  if (stored.contains("next")) state.next = to_due(stored.at("next"));
  if (stored.contains("sink_error")) state.sink_error = to_error(stored.at("sink_error"));
  for (const auto& entry : stored.value("journal", json::array())) state.journal.push_back(to_entry(entry));
  return state;
}

}  // namespace

std::string queue_state_text(const QueueState& state) {
  ordered_json journal = ordered_json::array();
  for (const auto& entry : state.journal) journal.push_back(from_entry(entry));
  ordered_json stored = {{"schema", kSchema},
                         {"seen", from_moment(state.seen)},
                         {"sink", state.sink},
                         {"sink_is_parked", state.sink_is_parked},
                         {"sink_failures", state.sink_failures},
                         {"next", from_due(state.next)}};
  if (state.sink_error) stored["sink_error"] = from_error(*state.sink_error);
  stored["journal"] = std::move(journal);
  return text_of(stored);
}

Outcome<QueueState> parse_queue_state(std::string_view text) {
  return parse_state(text, kSchema, state_of);
}

Outcome<QueueState> load_queue_state(StateFiles& files) {
  auto text = files.read(kFile, kStateSizeMax);
  const bool is_odd =
      !text && (text.error().code == ErrorCode::no_space || text.error().code == ErrorCode::corrupt);
  if (!text && !is_odd) return std::move(text.error());
  if (text && !*text) return QueueState();
  if (text) {
    auto state = parse_queue_state(**text);
    if (state) return std::move(*state);
    if (state.error().code == ErrorCode::unsupported) return std::move(state.error()).in(kFile);
  }
  TRY(in_context(kFile + " is damaged and cannot be set aside", files.rename(kFile, kFile + ".bad")));
  return QueueState();
}

Outcome<void> store_queue_state(StateFiles& files, const QueueState& state) {
  return replace_durably(files, kFile, queue_state_text(state));
}

Outcome<void> pause_uploads(StateFiles& files) {
  return replace_durably(files, kPauseFile, "");
}

Outcome<void> resume_uploads(StateFiles& files) {
  TRY(files.remove(kPauseFile));
  return files.flush_names();
}

Outcome<bool> uploads_are_paused(StateFiles& files) {
  return TRY(files.read(kPauseFile, kStateSizeMax)).has_value();
}

}  // namespace warmdump
