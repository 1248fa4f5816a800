#include "upload/queue/spool_scan.h"

#include <filesystem>

#include "upload/queue/dump_transfer.h"

namespace warmdump {
namespace {

namespace fs = std::filesystem;

// At the end of the name of a dump that recover deletes.
constexpr std::string_view kRemovingSuffix = "-removing";

bool may_be_dump(const fs::directory_entry& entry) {
  std::error_code error;
  const std::string name = entry.path().filename();
  if (name.starts_with('.') || name.ends_with(kIncompleteSuffix) || name.ends_with(kRemovingSuffix) ||
      name == kUnauthenticatedDirectory) {
    return false;
  }
  return entry.symlink_status(error).type() == fs::file_type::directory &&
         fs::symlink_status(entry.path() / kMetaName, error).type() != fs::file_type::not_found;
}

}  // namespace

Outcome<SpoolScan> scan_spool(const std::string& spool, const Destination& destination, const Moment& now) {
  SpoolScan scan;
  std::error_code error;
  for (fs::directory_iterator entry(spool, error), end; !error && entry != end; entry.increment(error)) {
    if (!may_be_dump(*entry)) continue;
    const std::string path = entry->path();
    const auto dump = open_dump_directory(path);
    if (dump) {
      scan.dumps.push_back(new_record(*dump, destination, now));
    } else {
      scan.unknown.push_back(path);
      scan.untold.push_back(dump.error().message);
    }
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    return Failure::system("cannot read the spool " + spool, error.value());
  }
  return scan;
}

}  // namespace warmdump
