// A fuzz target as a regression test: its seeds, the files of its corpus, and a fixed number of damaged
// copies of each.
//
//   <name>_corpus DIRECTORY

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "tests/fuzz/fuzz_target.h"

namespace {

using Bytes = std::vector<std::byte>;

constexpr unsigned kDamagedCopies = 20;

std::vector<Bytes> corpus_of(const std::filesystem::path& directory) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  std::vector<Bytes> corpus;
  for (const auto& path : paths) {
    std::ifstream file(path, std::ios::binary);
    const std::string text(std::istreambuf_iterator<char>(file), {});
    const auto bytes = std::as_bytes(std::span(text));
    corpus.emplace_back(bytes.begin(), bytes.end());
  }
  return corpus;
}

// A flipped bit, a byte of any value, a piece cut out or doubled.
void damage(Bytes& bytes, std::mt19937_64& random) {
  if (bytes.empty()) return;
  const std::size_t at = random() % bytes.size();
  const std::size_t size = std::min<std::size_t>(bytes.size() - at, 1 + random() % 64);
  const auto first = bytes.begin() + static_cast<std::ptrdiff_t>(at);
  const auto last = first + static_cast<std::ptrdiff_t>(size);
  switch (random() % 4) {
    case 0:
      *first ^= std::byte{1} << static_cast<int>(random() % 8);
      break;
    case 1:
      *first = static_cast<std::byte>(random());
      break;
    case 2:
      bytes.erase(first, last);
      break;
    default:
      const Bytes piece(first, last);
      bytes.insert(first, piece.begin(), piece.end());
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s CORPUS_DIRECTORY\n", argv[0]);
    return 2;
  }
  std::vector<Bytes> inputs = warmdump::fuzz::seeds();
  const std::size_t seed_count = inputs.size();
  for (Bytes& input : corpus_of(argv[1])) inputs.push_back(std::move(input));
  std::mt19937_64 random(1);
  for (const Bytes& input : inputs) {
    warmdump::fuzz::fuzz_one(input);
    Bytes damaged = input;
    for (unsigned copy = 0; copy < kDamagedCopies; ++copy) {
      damage(damaged, random);
      warmdump::fuzz::fuzz_one(damaged);
    }
  }
  std::printf("%zu seeds, %zu inputs of the corpus, %u damaged copies of each\n", seed_count,
              inputs.size() - seed_count, kDamagedCopies);
  return inputs.size() > seed_count ? 0 : 1;
}
