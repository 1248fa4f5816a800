// make_vmcore RECIPE -o FILE: builds the vmcore of a recipe, for use by hand and by benchmarks.

#include <fmt/core.h>

#include <string_view>

#include "selftest/machine/vmcore_builder.h"

int main(int argc, char** argv) {
  using namespace warmdump;
  if (argc != 4 || std::string_view(argv[2]) != "-o") {
    fmt::print(stderr, "usage: make_vmcore RECIPE -o FILE\n");
    return 2;
  }
  const auto build = [&]() -> Outcome<synthetic::VmcoreTruth> {
    const synthetic::Recipe recipe = TRY(synthetic::Recipe::load(argv[1]));
    return synthetic::build_vmcore(recipe, argv[3]);
  };
  const auto truth = build();
  if (!truth.has_value()) {
    fmt::print(stderr, "make_vmcore: {}\n", truth.error().message);
    return 1;
  }
  fmt::print("{}: {} PT_LOAD segments, pages up to pfn {:#x}\n", argv[3], truth->loads.size(),
             truth->pfn_end);
  return 0;
}
