// A change of one text file, decided before anything is written: shown as a diff, then made whole or not at
// all.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "arm/machine/machine_files.h"
#include "common/hosted/failure.h"

namespace warmdump {

struct FileChange {
  std::string path;                   // absolute, without the machine's root
  std::optional<std::string> before;  // none: the file is not there
  std::optional<std::string> after;   // none: it is to be removed

  bool changes_anything() const { return before != after; }
};

// The file's text now; none when it is not there.
Outcome<std::optional<std::string>> text_of(const MachineFiles& files, const std::string& path);

// As `diff -u` prints it, empty without a difference. Lines without an end are marked.
std::string unified_diff(const FileChange& change);

// Writes `after` to a new file beside, with the old one's owner and permissions (0644 for a new one), flushes
// it and puts it in place; a symbolic link stays one, its target is replaced. The file must still hold
// `before`: ErrorCode::busy. Folders are not made.
Outcome<void> apply_change(const MachineFiles& files, const FileChange& change);

}  // namespace warmdump
