// The record of the running boot, /var/lib/warmdump/boot.json: what the next boot has to know of this one,
// and what is still to be told of the one before. Written when recover begins; an orderly shutdown notes
// itself in it (`warmdump outcomes --note-shutdown`), so a boot whose record says nothing of a shutdown did
// not end in order.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/hosted/failure.h"

namespace warmdump {

struct EndedBoot {
  std::string boot_id;
  bool in_order = false;
  std::optional<std::uint64_t> lasted_s;  // known of a boot that ended in order; sleep not counted
};

struct BootRecord {
  EndedBoot boot;         // the running one
  bool has_line = false;  // its outcome is in outcomes.jsonl
  std::optional<EndedBoot> previous;
  std::uint64_t boots_without_line = 0;  // up to the previous one
  // Digests of the records in pstore: those that were there before this boot, and those seen in it.
  std::vector<std::string> panics_before, panics_seen;
};

std::string boot_record_text(const BootRecord& record);
Outcome<BootRecord> parse_boot_record(std::string_view text, const std::string& name);

// Nothing when there is no such file.
Outcome<std::optional<BootRecord>> read_boot_record(const std::string& path);

// Durable on return; the directory is made as needed, 0700.
Outcome<void> store_boot_record(const BootRecord& record, const std::string& path);

// What is to be recorded of the boot `boot_id`, by what is recorded. Called again in one boot, it changes
// nothing but that the boot goes on: a shutdown that was noted did not come.
BootRecord begin_boot(const std::optional<BootRecord>& recorded, const std::string& boot_id);

// Notes an orderly shutdown of the running boot. Error not_found: recover has not begun in this boot.
Outcome<void> note_shutdown(const std::string& path, const std::string& boot_id, std::uint64_t uptime_s);

}  // namespace warmdump
