#include "recover/spool/dump_removal.h"

#include "recover/spool/spool.h"

namespace warmdump {

namespace fs = std::filesystem;

std::error_code remove_dump_directory(const fs::path& directory) {
  std::error_code error;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error)) {
    if (entry->path().filename() != kDumpIdFile) fs::remove_all(entry->path(), error);
    if (error) break;
  }
  if (!error) fs::remove_all(directory, error);
  return error;
}

bool is_rest_of_dump(const fs::path& directory) {
  std::error_code error;
  const fs::file_status id = fs::symlink_status(directory / kDumpIdFile, error);
  return fs::is_regular_file(id) || fs::is_empty(directory, error);
}

}  // namespace warmdump
