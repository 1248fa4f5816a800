#include "tests/support/golden_log.h"

#include <fstream>
#include <regex>
#include <sstream>
#include <stdexcept>

namespace warmdump::test {

PrintkLog parse_log(const std::string& text) {
  static const std::regex kLine(R"(\[ *(\d+)\.(\d{6})\] (.*))");
  PrintkLog log;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (!std::regex_match(line, match, kLine)) {
      if (!log.records.empty()) log.records.back().text += "\n" + line;
      continue;
    }
    const std::uint64_t time_ns = std::stoull(match[1]) * 1'000'000'000 + std::stoull(match[2]) * 1000;
    log.records.push_back({log.records.size(), time_ns, 0, match[3]});
  }
  return log;
}

PrintkLog read_golden_log(const std::string& name) {
  const std::string path = std::string(WARMDUMP_GOLDEN) + "/" + name + ".dmesg";
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path);
  std::ostringstream text;
  text << file.rdbuf();
  return parse_log(text.str());
}

}  // namespace warmdump::test
