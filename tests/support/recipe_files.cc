#include "tests/support/recipe_files.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace warmdump::test {

std::vector<std::string> recipe_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(WARMDUMP_RECIPES)) {
    if (entry.path().extension() == ".recipe") names.push_back(entry.path().stem());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string recipe_path(const std::string& name) {
  return std::string(WARMDUMP_RECIPES) + "/" + name + ".recipe";
}

std::string recipe_text(const std::string& name) {
  std::ifstream file(recipe_path(name));
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace warmdump::test
