#include "selftest/offline/work_directory.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>

namespace warmdump {

Outcome<WorkDirectory> WorkDirectory::make(const std::string& kept) {
  std::error_code error;
  if (!kept.empty()) {
    if (std::filesystem::exists(kept, error)) {
      const bool is_empty = std::filesystem::is_empty(kept, error);
      if (error) return Failure::system("cannot use " + kept, error.value());
      if (!is_empty) {
        return Failure(ErrorCode::refused, kept + " is not empty: name a directory that is, or a new one");
      }
    } else if (::mkdir(kept.c_str(), S_IRWXU) != 0) {
      return Failure::system("cannot make " + kept, errno);
    }
    return WorkDirectory(kept, true);
  }
  const std::filesystem::path parent = std::filesystem::temp_directory_path(error);
  if (error) return Failure::system("no directory for temporary files: set TMPDIR", error.value());
  std::string name = parent / "warmdump-selftest-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) {
    return Failure::system("cannot make a directory in " + parent.string(), errno);
  }
  return WorkDirectory(name, false);
}

WorkDirectory::WorkDirectory(WorkDirectory&& other) noexcept
    : path_(std::exchange(other.path_, {})), is_kept_(other.is_kept_) {}

WorkDirectory::~WorkDirectory() {
  std::error_code ignored;
  if (!path_.empty() && !is_kept_) std::filesystem::remove_all(path_, ignored);
}

}  // namespace warmdump
