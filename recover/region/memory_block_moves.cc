#include "recover/region/memory_block_moves.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <set>
#include <system_error>

namespace warmdump {
namespace {

constexpr std::uint64_t kFirstPauseMs = 5;
constexpr std::uint64_t kPauseMaxMs = 250;

struct Resistance {
  MemoryBlock block;
  int system_errno = 0;  // 0: the kernel did it, and somebody else undid it
};

// Rounds over all blocks, with growing pauses, until one round meets no resistance.
class Rounds {
 public:
  Rounds(MemoryBlockTable& table, std::uint64_t limit_ms)
      : table_(table), deadline_ms_(table.now_ms() + limit_ms) {}

  std::uint64_t left_ms() const {
    const std::uint64_t now = table_.now_ms();
    return now < deadline_ms_ ? deadline_ms_ - now : 0;
  }

  // `round` returns the first resistance it met. The last one met is the answer when time is up.
  template <class Round>
  std::optional<Resistance> run(Round&& round) {
    for (std::uint64_t pause_ms = kFirstPauseMs;; pause_ms = std::min(pause_ms * 2, kPauseMaxMs)) {
      std::optional<Resistance> met = round();
      if (!met || left_ms() == 0) return met;
      table_.sleep_ms(std::min(pause_ms, left_ms()));
    }
  }

 private:
  MemoryBlockTable& table_;
  std::uint64_t deadline_ms_;
};

std::string reason_of(const Resistance& met) {
  switch (met.system_errno) {
    case 0:
      return "something else changes it each time";
    case EINTR:
      return "the kernel was not done in time";
    case EBUSY:
      return "pages in it cannot be moved now (Device or resource busy)";
    default:
      return std::generic_category().message(met.system_errno);
  }
}

std::string in_zone(const MemoryBlock& block) {
  if (!block.online) return "offline";
  return block.zone == "none" ? "online in several zones" : "online in zone " + block.zone;
}

}  // namespace

Outcome<void> bring_online_movable(MemoryBlockTable& table, const BlockRange& range, std::uint64_t limit_ms) {
  if (table.blocks(range.start, range.size).empty()) {
    return Failure(ErrorCode::not_found, "the kernel has made no memory block of it");
  }
  Rounds rounds(table, limit_ms);
  int last_errno = 0;
  const auto met = rounds.run([&]() -> std::optional<Resistance> {
    for (const MemoryBlock& block : table.blocks(range.start, range.size)) {
      if (block.is_movable()) continue;
      last_errno = block.online ? table.set_state(block.number, kOffline, rounds.left_ms()) : 0;
      if (last_errno == 0) last_errno = table.set_state(block.number, kOnlineMovable, rounds.left_ms());
    }
    // What counts is where they are: EINVAL says only that somebody was faster, success that nobody was yet.
    for (const MemoryBlock& block : table.blocks(range.start, range.size)) {
      if (!block.is_movable()) return Resistance{block, last_errno};
    }
    return std::nullopt;
  });
  if (!met) return {};
  return Failure(ErrorCode::refused, fmt::format("{} is {} and cannot be made Movable: {}", met->block.name(),
                                                 in_zone(met->block), reason_of(*met)));
}

Outcome<void> take_offline(MemoryBlockTable& table, const BlockRange& range, std::uint64_t limit_ms) {
  Rounds rounds(table, limit_ms);
  std::set<std::uint64_t> taken;
  const auto met = rounds.run([&]() -> std::optional<Resistance> {
    std::optional<Resistance> first;
    for (const MemoryBlock& block : table.blocks(range.start, range.size)) {
      if (!block.online) continue;
      const int code = table.set_state(block.number, kOffline, rounds.left_ms());
      if (code == 0) taken.insert(block.number);
      if (code != 0 && !first) first = Resistance{block, code};
    }
    for (const MemoryBlock& block : table.blocks(range.start, range.size)) {
      if (block.online) return first && first->block.number == block.number ? first : Resistance{block, 0};
    }
    return std::nullopt;
  });
  if (!met) return {};
  for (const std::uint64_t number : taken) {
    (void)table.set_state(number, kOnlineMovable, std::max<std::uint64_t>(limit_ms, 1000));
  }
  const bool may_work_later = met->block.is_movable();
  return Failure(
      may_work_later ? ErrorCode::timed_out : ErrorCode::busy,
      fmt::format("{} is {} and cannot be taken offline within {:.0f} s: {}{}", met->block.name(),
                  in_zone(met->block), static_cast<double>(limit_ms) / 1000, reason_of(*met),
                  may_work_later ? "; try again later, when less memory is in use or pinned"
                                 : "; the kernel may keep pages there that can never be moved: reboot"));
}

}  // namespace warmdump
