#include "tests/upload/dump_fixture.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <random>
#include <sstream>

namespace warmdump {

namespace fs = std::filesystem;

void write_file(const fs::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

std::string read_file(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

void write_random_file(const fs::path& path, std::size_t bytes) {
  std::mt19937_64 random(42);
  std::ofstream file(path, std::ios::binary);
  std::vector<std::uint64_t> block(8192);
  while (bytes > 0) {
    std::generate(block.begin(), block.end(), std::ref(random));
    const auto step = std::min(bytes, block.size() * sizeof(block[0]));
    file.write(reinterpret_cast<const char*>(block.data()), static_cast<std::streamsize>(step));
    bytes -= step;
  }
}

bool same_bytes(const fs::path& left, const fs::path& right) {
  std::error_code error;
  if (fs::file_size(left, error) != fs::file_size(right, error) || error) return false;
  std::ifstream left_file(left, std::ios::binary);
  std::ifstream right_file(right, std::ios::binary);
  return std::equal(std::istreambuf_iterator<char>(left_file), {},
                    std::istreambuf_iterator<char>(right_file));
}

std::vector<std::string> listing(const fs::path& directory) {
  std::vector<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    names.push_back(fs::relative(entry.path(), directory));
  }
  std::sort(names.begin(), names.end());
  return names;
}

DumpTest::DumpTest() : dump(temporary.path() / "crash" / "host-2026-01-31-23:59:59") {
  fs::create_directories(dump);
  write_file(dump / "meta.json", "{\"schema\": 1}\n");
  write_file(dump / "vmcore-dmesg.txt", "[    1.000000] Kernel panic - not syncing: test\n");
  write_file(dump / "vmcore", "KDUMP   and then the pages");
}

void DumpTest::make_vmcore(std::size_t bytes) {
  write_random_file(dump / "vmcore", bytes);
}

}  // namespace warmdump
