// What a fuzz target is: two functions. fuzzer_driver.cc makes a libFuzzer program of them, corpus_driver.cc
// a regression test that needs no fuzzer.
//
// To add one: <name>_fuzz.cc with both, a line in CMakeLists.txt. Then `tests/fuzz/run <name>` fills
// tests/fuzz/corpus/<name>; an input that once broke something stays there under a telling name.

#pragma once

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

namespace warmdump::fuzz {

using Input = std::span<const std::byte>;

// Gives the input to the code under test. Any input is legal; what must hold is checked with expect().
void fuzz_one(Input input);

// Inputs to begin with: what an undamaged machine leaves.
std::vector<std::vector<std::byte>> seeds();

// Ends the program with `what` when something that must hold does not.
inline void expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

}  // namespace warmdump::fuzz
