// Limits of a rolling day, counted from a journal of what was really sent.

#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/units.h"
#include "upload/policy/moment.h"

namespace warmdump {

inline constexpr std::chrono::seconds kDay{24 * 60 * 60};

// Entries gather what is sent within this, and count for a day and this, so that no 24 hours see more than a
// limit.
inline constexpr std::chrono::seconds kJournalSlot{10 * 60};

// Bytes of one dump that were sent within a slot.
struct SentEntry {
  Moment at = {};              // when the first of these bytes was sent
  std::string dump = {};       // id of the record
  std::string signature = {};  // of the crash; empty: unknown
  bool has_pages = false;      // the vmcore; else the report
  ByteCount bytes = 0;
  bool operator==(const SentEntry&) const = default;
};

struct DailyLimits {
  ByteCount bytes = 0;               // reports and pages; 0: no limit
  unsigned dumps = 0;                // whose pages are sent; 0: no limit
  unsigned pages_per_signature = 3;  // dumps of one signature whose pages are sent; 0: no limit
};

// Counts `entry.bytes` at `entry.at`, and forgets what is too old to count.
void count_sent(std::vector<SentEntry>& journal, const SentEntry& entry);
// Takes back what was counted of a dump and not sent after all.
void take_back(std::vector<SentEntry>& journal, std::string_view dump, bool has_pages, ByteCount bytes);

// Both limits hold at once. Pages leave a sixteenth of the bytes to the reports.
// `dump`: one that was counted today is not counted again when it goes on.
struct Allowance {
  bool is_allowed = false;
  bool is_too_large = false;      // larger than what any day allows: it would wait for ever
  ByteCount bytes_left = 0;       // of the day
  std::chrono::seconds until{0};  // when not allowed: how long until it may be
};
Allowance may_send(const DailyLimits& limits, std::span<const SentEntry> journal, const Moment& now,
                   std::string_view dump, bool has_pages, ByteCount next_bytes);

// How many other dumps of this signature had pages sent within a day. An empty signature counts as one of its
// own, of which there is no limit.
unsigned pages_sent_today(std::span<const SentEntry> journal, const Moment& now, std::string_view signature,
                          std::string_view dump);

}  // namespace warmdump
