#include "initramfs/archive_cache.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <vector>

#include "common/hosted/sha256.h"
#include "common/hosted/whole_file.h"

namespace warmdump {
namespace {

constexpr ByteCount kArchiveSizeMax = 64 * kMiB;
constexpr std::size_t kDigestSize = 64;
constexpr std::size_t kEntriesKept = 4;  // the kernels of a distribution that are installed side by side

}  // namespace

std::optional<std::string> ArchiveCache::find(const std::string& key) const {
  auto content = read_whole_file(path_of(key), kArchiveSizeMax);
  if (!content.has_value() || content->size() < kDigestSize + 1) return std::nullopt;
  const std::string_view archive = std::string_view(*content).substr(kDigestSize + 1);
  const auto digest = sha256_text(archive);
  if (!digest.has_value() || !content->starts_with(*digest + "\n")) return std::nullopt;
  return std::string(archive);
}

Outcome<void> ArchiveCache::store(const std::string& key, std::string_view archive) const {
  std::error_code ignored;  // mkdir tells
  std::filesystem::create_directories(std::filesystem::path(directory_).parent_path(), ignored);
  if (::mkdir(directory_.c_str(), 0700) != 0 && errno != EEXIST) {
    return Failure::system("cannot create " + directory_, errno);
  }
  std::string content = TRY(sha256_text(archive)) + "\n";
  content += archive;
  TRY(write_whole_file(path_of(key), content));
  remove_old(path_of(key));
  return {};
}

void ArchiveCache::remove_old(const std::string& newest) const {
  namespace fs = std::filesystem;
  std::vector<std::pair<fs::file_time_type, fs::path>> entries;
  std::error_code error;
  for (fs::directory_iterator entry(directory_, error), end; !error && entry != end; entry.increment(error)) {
    std::error_code ignored;
    if (entry->path().extension() == ".archive" && entry->path() != newest) {
      entries.emplace_back(entry->last_write_time(ignored), entry->path());
    }
  }
  std::sort(entries.rbegin(), entries.rend());
  for (std::size_t i = kEntriesKept - 1; i < entries.size(); ++i) fs::remove(entries[i].second, error);
}

}  // namespace warmdump
