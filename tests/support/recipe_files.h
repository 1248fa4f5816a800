// The recipes of tests/recipes, by name.

#pragma once

#include <string>
#include <vector>

#include "selftest/machine/recipe.h"

namespace warmdump::test {

// Sorted, without directory and extension.
std::vector<std::string> recipe_names();

// Path of a recipe.
std::string recipe_path(const std::string& name);

// The text of a recipe, for tests that add lines to it.
std::string recipe_text(const std::string& name);

}  // namespace warmdump::test
