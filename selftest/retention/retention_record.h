// A retention test under way, as it is kept over the resets: retention.json of the state directory.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "common/hosted/failure.h"
#include "common/units.h"
#include "selftest/state_directory.h"

namespace warmdump {

enum class RetentionStage {
  requested,  // the region was in use as memory: the next boot writes the pattern before it gives it back
  written,    // the pattern is in the region: the next boot says what is left of it
};

struct RetentionRecord {
  RetentionStage stage = RetentionStage::requested;
  std::uint64_t seed = 0;     // of the pattern; random, names the test
  bool is_automatic = false;  // `warmdump recover` resets the machine when it has written the pattern
  std::string region;         // as given on the command line; empty: the only one of the machine
  std::string requested_at;   // UTC
  std::string requested_boot_id;

  // Of the stage `written`:
  std::string written_at;
  std::string written_boot_id;
  PhysicalAddress region_start = 0;
  ByteCount region_size = 0;
  std::map<std::string, std::string> machine;  // gather_machine_facts() at that time
  std::map<std::string, std::string> reset;    // gather_reset_facts(), last seen before the reset
};

// Nothing when no test is under way. Errors: those of StateDirectory::load(); corrupt.
Outcome<std::optional<RetentionRecord>> load_retention_record(const StateDirectory& state);
Outcome<void> store_retention_record(const StateDirectory& state, const RetentionRecord& record);

}  // namespace warmdump
