#include "upload/policy/daily_limits.h"

#include <algorithm>
#include <set>

namespace warmdump {
namespace {

using std::chrono::seconds;

constexpr seconds kWindow = kDay + kJournalSlot;
constexpr ByteCount kReportShare = 16;

bool counts(const SentEntry& entry, const Moment& now) {
  return elapsed(entry.at, now) < kWindow;
}

seconds until_forgotten(const SentEntry& entry, const Moment& now) {
  return kWindow - elapsed(entry.at, now);
}

std::vector<const SentEntry*> counted(std::span<const SentEntry> journal, const Moment& now) {
  std::vector<const SentEntry*> entries;
  for (const auto& entry : journal) {
    if (counts(entry, now)) entries.push_back(&entry);
  }
  std::stable_sort(entries.begin(), entries.end(), [&](const SentEntry* a, const SentEntry* b) {
    return elapsed(a->at, now) > elapsed(b->at, now);
  });
  return entries;
}

// How long until so much is forgotten that `bytes` fit; they do not now.
seconds until_bytes_fit(const std::vector<const SentEntry*>& entries, const Moment& now, ByteCount used,
                        ByteCount limit, ByteCount bytes) {
  for (const SentEntry* entry : entries) {
    used -= entry->bytes;
    if (used <= limit && bytes <= limit - used) return until_forgotten(*entry, now);
  }
  return kWindow;
}

// How long until fewer than `limit` other dumps with pages count.
seconds until_dumps_fit(const std::vector<const SentEntry*>& entries, const Moment& now, unsigned limit,
                        std::string_view dump) {
  std::vector<seconds> last_of_each;
  std::set<std::string_view> seen;
  for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
    if ((*entry)->has_pages && (*entry)->dump != dump && seen.insert((*entry)->dump).second) {
      last_of_each.push_back(until_forgotten(**entry, now));
    }
  }
  if (last_of_each.size() < limit) return seconds(0);
  std::sort(last_of_each.begin(), last_of_each.end());
  return last_of_each[last_of_each.size() - limit];
}

}  // namespace

void count_sent(std::vector<SentEntry>& journal, const SentEntry& entry) {
  std::erase_if(journal, [&](const SentEntry& old) { return !counts(old, entry.at); });
  for (auto& old : journal) {
    if (old.dump == entry.dump && old.has_pages == entry.has_pages &&
        elapsed(old.at, entry.at) < kJournalSlot) {
      old.bytes += entry.bytes;
      return;
    }
  }
  journal.push_back(entry);
}

void take_back(std::vector<SentEntry>& journal, std::string_view dump, bool has_pages, ByteCount bytes) {
  for (auto entry = journal.rbegin(); entry != journal.rend() && bytes > 0; ++entry) {
    if (entry->dump != dump || entry->has_pages != has_pages) continue;
    const ByteCount taken = std::min(entry->bytes, bytes);
    entry->bytes -= taken;
    bytes -= taken;
  }
}

Allowance may_send(const DailyLimits& limits, std::span<const SentEntry> journal, const Moment& now,
                   std::string_view dump, bool has_pages, ByteCount next_bytes) {
  const auto entries = counted(journal, now);
  Allowance allowance;
  allowance.bytes_left = ~ByteCount{0};
  if (limits.bytes > 0) {
    const ByteCount limit = has_pages ? limits.bytes - limits.bytes / kReportShare : limits.bytes;
    ByteCount used = 0;
    for (const SentEntry* entry : entries) used += entry->bytes;
    allowance.bytes_left = limit - std::min(limit, used);
    allowance.is_too_large = next_bytes > limit;
    if (next_bytes > allowance.bytes_left) {
      allowance.until = until_bytes_fit(entries, now, used, limit, next_bytes);
    }
  }
  if (limits.dumps > 0 && has_pages) {
    allowance.until = std::max(allowance.until, until_dumps_fit(entries, now, limits.dumps, dump));
  }
  allowance.is_allowed = allowance.until.count() == 0;
  return allowance;
}

unsigned pages_sent_today(std::span<const SentEntry> journal, const Moment& now, std::string_view signature,
                          std::string_view dump) {
  std::set<std::string_view> others;
  if (signature.empty()) return 0;
  for (const auto& entry : journal) {
    if (counts(entry, now) && entry.has_pages && entry.signature == signature && entry.dump != dump) {
      others.insert(entry.dump);
    }
  }
  return static_cast<unsigned>(others.size());
}

}  // namespace warmdump
