#include "recover/spool/retention.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>

namespace warmdump {
namespace {

// The lines of the list in the header file.
enum class Line : std::uint8_t { superfluous, first, newest, first_of_loop };

struct Extremes {
  std::size_t first = 0;
  std::size_t newest = 0;
};

std::map<std::string, Extremes> extremes_of_signatures(std::span<const SavedDump> dumps) {
  std::map<std::string, Extremes> extremes;
  for (std::size_t i = 0; i < dumps.size(); ++i) {
    if (dumps[i].signature.empty()) continue;
    const auto [entry, is_new] = extremes.try_emplace(dumps[i].signature, Extremes{i, i});
    if (!is_new) entry->second.newest = i;
  }
  return extremes;
}

std::optional<Line> line_of(std::span<const SavedDump> dumps, std::size_t index,
                            const std::map<std::string, Extremes>& extremes, const RetentionGoal& goal) {
  const SavedDump& dump = dumps[index];
  if (dump.is_in_use) return std::nullopt;
  if (index + 1 == dumps.size() && !goal.one_is_to_come) return std::nullopt;
  if (!goal.kept_id.empty() && dump.id == goal.kept_id) return Line::first_of_loop;
  const auto entry = extremes.find(dump.signature);
  if (entry == extremes.end() || entry->second.newest == index) return Line::newest;
  return entry->second.first == index ? Line::first : Line::superfluous;
}

// How far the spool is from the goal while dumps go.
struct Balance {
  std::uint64_t dumps = 0;
  ByteCount bytes = 0;
  ByteCount free = 0;

  bool keeps_limits(const RetentionGoal& goal) const {
    return (goal.limits.dumps == 0 || dumps <= goal.limits.dumps) &&
           (goal.limits.bytes == 0 || bytes <= goal.limits.bytes);
  }
  bool has_room(const RetentionGoal& goal) const { return free >= goal.free_wanted; }
  void take_away(const SavedDump& dump) {
    --dumps;
    bytes -= dump.bytes;
    free += dump.bytes;
  }
};

}  // namespace

std::vector<std::size_t> plan_retention(std::span<const SavedDump> dumps, const RetentionGoal& goal) {
  const auto extremes = extremes_of_signatures(dumps);
  std::vector<std::pair<Line, std::size_t>> candidates;
  for (std::size_t i = 0; i < dumps.size(); ++i) {
    const auto line = line_of(dumps, i, extremes, goal);
    if (line && (*line == Line::superfluous || !goal.only_superfluous)) candidates.emplace_back(*line, i);
  }
  std::sort(candidates.begin(), candidates.end());

  Balance balance{dumps.size(), 0, goal.free_now};
  for (const SavedDump& dump : dumps) balance.bytes += dump.bytes;
  Balance at_the_end = balance;
  for (const auto& [line, index] : candidates) at_the_end.take_away(dumps[index]);
  std::vector<std::size_t> plan;
  for (const auto& [line, index] : candidates) {
    const bool is_in_vain = line != Line::superfluous && !at_the_end.has_room(goal);
    if (balance.keeps_limits(goal) && (balance.has_room(goal) || is_in_vain)) break;
    balance.take_away(dumps[index]);
    plan.push_back(index);
  }
  return plan;
}

}  // namespace warmdump
