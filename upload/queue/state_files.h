// StateFiles: the few small files that the uploader remembers by. A narrow seam: a directory of the system,
// or memory in tests, which can lose power.
//
// Names are plain, without '/'. Nobody but the uploader's user and root reads or writes them.

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/hosted/failure.h"
#include "common/hosted/unique_fd.h"
#include "common/units.h"

namespace warmdump {

// Not below /var/lib/warmdump, into which only root can go.
inline constexpr const char* kUploadStateDirectory = "/var/lib/warmdump-upload";

class StateFiles {
 public:
  virtual ~StateFiles() = default;

  // Held as long as the result lives: one queue at a time. Error busy: another process has it.
  virtual Outcome<UniqueFd> lock() = 0;

  // Sorted. Hidden names, which are files that were being written, are left out.
  virtual Outcome<std::vector<std::string>> names() = 0;
  // Nothing when there is no such file. Error no_space: larger than `size_max`.
  virtual Outcome<std::optional<std::string>> read(const std::string& name, ByteCount size_max) = 0;

  // Steps of replace_durably(); each alone promises nothing about what a power cut leaves.
  virtual Outcome<void> write(const std::string& name,
                              std::string_view text) = 0;    // created 0600, or emptied first
  virtual Outcome<void> flush(const std::string& name) = 0;  // the content is durable
  virtual Outcome<void> rename(const std::string& from, const std::string& to) = 0;
  virtual Outcome<void> remove(const std::string& name) = 0;  // nothing when it is not there
  virtual Outcome<void> flush_names() = 0;                    // creations, renames and removals are durable
};

// The file holds `text`, or what it held before, whatever happens meanwhile; durable on return.
Outcome<void> replace_durably(StateFiles& files, const std::string& name, std::string_view text);

// `directory` is made as needed, 0700. What root writes in it belongs to its owner. Errors: invalid when it
// is no directory or a link; no_permission.
Outcome<std::unique_ptr<StateFiles>> open_state_directory(const std::string& directory);

// The same without changing anything, for `status`: writes and locks are `refused`; a directory that is not
// there has no files.
Outcome<std::unique_ptr<StateFiles>> open_state_for_reading(const std::string& directory);

}  // namespace warmdump
