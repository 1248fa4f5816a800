// Who may read a dump beside root: the group of the user that sends dumps, where there is one. It gets no
// right to change anything.

#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>

namespace warmdump {

inline constexpr const char* kDumpReadersGroup = "_warmdump-upload";

// Nothing when there is no such group, and for anybody but root, who could not give files to it.
std::optional<gid_t> dump_readers();

// Gives `directory` and everything in it to the group: directories 0750, files 0640; links stay as they are.
// Best effort: what fails leaves a dump that is as safe as before, and is not sent.
void let_group_read(const std::filesystem::path& directory, gid_t group);

// The directory alone, if only its owner may enter it so far: a spool that somebody has opened or closed
// otherwise stays as it is.
void let_group_enter(const std::filesystem::path& spool, gid_t group);

}  // namespace warmdump
