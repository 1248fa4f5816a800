// The finished dumps of a spool: what retention and the outcome of a boot need to know of each.
//
// A dump is a directory of this user's with a regular `.dump-id` and a regular meta.json in it. Whatever else
// lies in the spool, links, files, other programs' reports, is not ours and is not looked at any further.

#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/hosted/failure.h"
#include "common/hosted/unique_fd.h"
#include "common/units.h"

namespace warmdump {

// At the end of the name of a dump that is being deleted; nobody takes such a directory for a dump.
inline constexpr std::string_view kRemovingSuffix = "-removing";

struct SavedDump {
  std::filesystem::path directory;
  std::string id;  // lower-case hex
  std::uint64_t sequence =
      0;  // in which dumps came into this spool, from 1; 0: not noted. A clock may be wrong
  std::uint64_t time_s = 0;  // of the crash, or of the recovery where that is unknown
  std::string boot_id;       // of the boot that crashed; empty: unknown
  std::string panic_text;    // empty: unknown
  std::string
      signature;  // same crash, same text: "signature" of meta.json, else the panic text; empty: unknown
  ByteCount bytes = 0;     // that its files take on the disk
  bool is_in_use = false;  // somebody has it locked: an upload
};

// Oldest first: by sequence, then time, then name. Dumps that are being written or deleted are left out.
// Errors: those of reading the spool. A dump that vanishes meanwhile is left out.
Outcome<std::vector<SavedDump>> list_saved_dumps(const std::filesystem::path& spool);

// Nothing when `directory` is no dump of ours. Symbolic links are not followed.
std::optional<SavedDump> read_saved_dump(const std::filesystem::path& directory);

// Of the dump that comes into the spool next: one more than the highest that is there.
std::uint64_t next_dump_sequence(const std::filesystem::path& spool);

// The directory as a descriptor, when it is one of this user's and no symbolic link.
UniqueFd open_own_directory(const std::filesystem::path& directory);

}  // namespace warmdump
