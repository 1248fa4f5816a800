// Compressed archives kept on disk, since compressing is nearly all the time that making a crash image takes.
// The key is a digest of everything an archive is made from, so an entry is never out of date: another
// program, module or kernel has another key. Holds nothing secret.
//
// A file a key, <directory>/<key>.archive: the SHA-256 of the archive in hexadecimal, a line break, the
// archive.

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/hosted/failure.h"

namespace warmdump {

inline constexpr const char* kArchiveCacheDirectory = "/var/cache/warmdump";

class ArchiveCache {
 public:
  explicit ArchiveCache(std::string directory = kArchiveCacheDirectory) : directory_(std::move(directory)) {}

  // Empty when there is none, or what is there is not what was stored.
  std::optional<std::string> find(const std::string& key) const;

  // Creates or replaces the entry, whole or not at all, and removes all but the few newest ones. The
  // directory is made as needed, 0700.
  Outcome<void> store(const std::string& key, std::string_view archive) const;

 private:
  std::string path_of(const std::string& key) const { return directory_ + "/" + key + ".archive"; }
  void remove_old(const std::string& newest) const;

  std::string directory_;
};

}  // namespace warmdump
