// TemporaryDirectory: a directory of its own for one test, removed with everything in it.

#pragma once

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace warmdump::test {

class TemporaryDirectory {
 public:
  // `memory`: in a file system in memory where there is one, for tests that flush thousands of times.
  enum class Place { disk, memory };

  explicit TemporaryDirectory(Place place = Place::disk) {
    const bool in_memory = place == Place::memory && std::filesystem::is_directory("/dev/shm");
    const std::filesystem::path parent = in_memory ? "/dev/shm" : std::filesystem::temp_directory_path();
    std::string name = (parent / "warmdump-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot create " + name);
    path_ = name;
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  std::string file(const std::string& name) const { return (path_ / name).string(); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace warmdump::test
