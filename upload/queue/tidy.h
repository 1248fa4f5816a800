// Removes dumps that have arrived: the step that needs root, apart from everything that talks to the network.

#pragma once

#include <string>
#include <vector>

#include "upload/queue/state_files.h"

namespace warmdump {

struct TidyReport {
  std::vector<std::string> removed;  // names of dumps
  std::vector<std::string> kept;  // a line each: name and why, for those that were sent and are still there
};

// Deletes the directory of every dump in `spool` of which a record says that it was sent as a whole to
// `sink`, and whose files are, by inode, size and time, exactly those that were sent. Works on descriptors:
// no link is followed, and nothing outside of that directory is touched. A dump that somebody has locked
// stays. A deletion that was interrupted is finished by the next recover or the next tidy. `state` was
// written by a user with fewer rights: it can at most name dumps of the spool, never another place.
Outcome<TidyReport> remove_sent_dumps(const std::string& spool, StateFiles& state, const std::string& sink);

}  // namespace warmdump
