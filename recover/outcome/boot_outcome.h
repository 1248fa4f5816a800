// BootOutcome: what became of the boot before this one, in one line of outcomes.jsonl. What every key means
// to a reader stands in docs/OUTCOMES.md; within one schema number keys are added, never renamed or removed.
//
// To add a value: a member, a line in boot_outcome.cc, a line in docs/OUTCOMES.md.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "common/hosted/failure.h"
#include "common/units.h"

namespace warmdump {

inline constexpr unsigned kOutcomeSchema = 1;

// In the order of what they tell: a later try in the same boot replaces an outcome only by one further down.
enum class OutcomeKind : std::uint8_t {
  not_recovered,       // recover failed; whether a dump waits in the region is open
  unknown,             // nothing is known of how the boot before ended
  no_crash,            // it ended in order
  unclean_shutdown,    // it did not end in order, and nothing says why: power, reset button, firmware ...
  refused,             // what lay in the region claimed to be a dump, and was none
  crash_without_dump,  // it crashed, and no dump was made
  crash_and_dump,      // it crashed, and its dump was saved
};

// "crash_and_dump"
const char* outcome_kind_name(OutcomeKind kind);
std::optional<OutcomeKind> parse_outcome_kind(std::string_view name);
bool is_crash(OutcomeKind kind);

struct BootOutcome {
  std::string time;         // UTC by the clock of this boot, "2025-01-31T12:00:00Z"
  std::string boot_id;      // of this boot
  std::uint64_t tries = 1;  // runs of recover in this boot that had something to tell
  OutcomeKind outcome = OutcomeKind::unknown;
  std::string reason;  // for people; empty when the outcome says it all

  // The boot before this one, whatever boot the dump is of.
  struct Previous {
    std::string boot_id;                    // empty: unknown
    std::string ended;                      // "in_order", "unclean", "unknown"
    std::optional<std::uint64_t> lasted_s;  // that it ran, sleep not counted
    std::optional<bool> armed;
    std::uint64_t boots_without_line =
        0;  // before this one, that wrote none: recover did not come to its end
  } previous;

  struct Crash {
    std::string boot_id;                    // of the boot that crashed; empty: unknown
    std::uint64_t time_s = 0;               // since 1970; 0: unknown
    std::optional<std::uint64_t> uptime_s;  // of that boot when it crashed
    std::string panic;                      // one line; empty: unknown
    std::string panic_from;                 // "dump", "pstore"
    std::string reset_reason;               // empty: unknown
    std::string reset_from;                 // the file that says so
  };
  std::optional<Crash> crash;

  // What the header of the region says of a capture.
  struct Capture {
    std::string state, phase;
    std::string error;  // error_code_name(); empty: none
    std::int64_t system_errno = 0;
    std::string error_text;
  };
  std::optional<Capture> capture;

  struct Dump {
    std::string id, directory;
    ByteCount bytes = 0;
    std::optional<bool> complete = {};  // absent: saved by an earlier run
    std::string completeness = {}, authenticity = {}, signature = {};
    std::string sent_to = {};  // straight out of the region; then `directory` lasts no longer than this boot
  };
  std::optional<Dump> dump;

  struct Region {
    std::string name;
    PhysicalAddress start = 0;
    ByteCount size = 0;
    bool was_system_ram = false;  // before it could be looked at
    bool wiped = false;
    bool returned = false;
  };
  std::optional<Region> region;  // absent: none was found

  struct Trouble {
    std::string code, message;
  };
  std::optional<Trouble> failure;         // of the recovery
  std::optional<Trouble> return_failure;  // of giving the region back

  std::map<std::string, std::uint64_t> timings_ms;

  struct CrashLoop {
    bool stands = false;  // no further capture
    std::uint64_t crashes = 0;
    std::uint64_t window_s = 0;
  };
  std::optional<CrashLoop> crash_loop;
};

// Without line break. Texts longer than a few hundred bytes are cut, bytes that are not UTF-8 become U+FFFD.
std::string outcome_line(const BootOutcome& outcome);

// Errors: corrupt; unsupported (a newer schema). Keys that are missing keep their default.
Outcome<BootOutcome> parse_outcome_line(std::string_view line);

}  // namespace warmdump
