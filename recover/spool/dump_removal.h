// Deletes a dump directory so that a deletion that was interrupted is recognised and finished.

#pragma once

#include <filesystem>
#include <system_error>

namespace warmdump {

// The file with the id goes last. Symbolic links in it are deleted, not followed.
std::error_code remove_dump_directory(const std::filesystem::path& directory);

// True for what an interrupted remove_dump_directory() leaves: the file with the id, or nothing at all.
bool is_rest_of_dump(const std::filesystem::path& directory);

}  // namespace warmdump
