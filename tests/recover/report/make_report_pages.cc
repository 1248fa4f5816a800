// Writes the sample pages as files: make_report_pages DIRECTORY

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "tests/recover/report/sample_pages.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: make_report_pages DIRECTORY\n", stderr);
    return 2;
  }
  const std::filesystem::path directory = argv[1];
  std::filesystem::create_directories(directory);
  using namespace warmdump::test;
  std::ofstream(directory / "complete.html") << complete_page();
  std::ofstream(directory / "incomplete.html") << incomplete_page();
  std::ofstream(directory / "hostile.html") << hostile_page();
  std::ofstream(directory / "largest.html") << largest_page();
  return 0;
}
