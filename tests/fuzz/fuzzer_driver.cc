// A fuzz target as a program of libFuzzer. With WARMDUMP_SEEDS=DIRECTORY in the environment its seeds are
// written there before the fuzzing starts.

#include <cstdint>
#include <filesystem>
#include <fstream>

#include "tests/fuzz/fuzz_target.h"

extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
  const char* const directory = std::getenv("WARMDUMP_SEEDS");
  if (directory == nullptr) return 0;
  std::filesystem::create_directories(directory);
  unsigned number = 0;
  for (const auto& seed : warmdump::fuzz::seeds()) {
    std::ofstream file(std::filesystem::path(directory) / ("seed-" + std::to_string(number++)),
                       std::ios::binary);
    file.write(reinterpret_cast<const char*>(seed.data()), static_cast<std::streamsize>(seed.size()));
  }
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  warmdump::fuzz::fuzz_one(std::as_bytes(std::span(data, size)));
  return 0;
}
