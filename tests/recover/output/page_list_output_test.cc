#include "recover/output/page_list_output.h"

#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/support/dump_builder.h"
#include "tests/support/temporary_directory.h"

namespace warmdump {
namespace {

using nlohmann::json;

std::vector<json> list_of(const DumpReader& dump, bool incomplete) {
  const test::TemporaryDirectory directory;
  const auto report = write_output_file(*find_output_format("list"), dump, directory / "list",
                                        {.incomplete = incomplete}, {});
  EXPECT_TRUE(report) << report.error().message;
  std::vector<json> lines;
  std::ifstream file(directory / "list");
  for (std::string line; std::getline(file, line);) lines.push_back(json::parse(line));
  return lines;
}

TEST(PageListOutput, every_page_is_in_the_run_of_its_state) {
  auto machine = test::make_small_machine();
  const auto region = machine.builder.build();
  const auto dump = DumpReader::open(region);
  ASSERT_TRUE(dump) << dump.error().message;
  const std::vector<json> lines = list_of(*dump, false);
  ASSERT_GE(lines.size(), 3);
  EXPECT_EQ(lines.front().at("format"), "warmdump-pages");
  EXPECT_EQ(lines.front().at("version"), 1);
  EXPECT_EQ(lines.front().at("incomplete"), false);
  EXPECT_EQ(lines.back().at("end"), true);
  EXPECT_EQ(lines.back().at("runs"), lines.size() - 2);
  EXPECT_EQ(lines.back().at("pages"), machine.present.size());

  Pfn covered = 0;
  std::set<Pfn> present;
  std::set<Pfn> excluded;
  for (auto line = lines.begin() + 1; line != lines.end() - 1; ++line) {
    const Pfn first = line->at("first_pfn");
    const Pfn end = first + line->at("count").get<Pfn>();
    ASSERT_GE(first, covered);
    covered = end;
    EXPECT_FALSE(line->contains("reason"));
    const std::string state = line->at("state");
    for (Pfn pfn = first; pfn < end; ++pfn) {
      if (state == "present" || state == "zero") present.insert(pfn);
      if (state == "excluded") excluded.insert(pfn);
    }
  }
  EXPECT_EQ(excluded, std::set<Pfn>(machine.excluded.begin(), machine.excluded.end()));
  ASSERT_EQ(present.size(), machine.present.size());
  for (const auto& [pfn, page] : machine.present) EXPECT_TRUE(present.contains(pfn)) << pfn;
}

TEST(PageListOutput, lost_pages_have_a_reason) {
  auto machine = test::make_small_machine();
  auto region = machine.builder.build();
  region.bytes[(dump_format::kFramesOffset + machine.builder.frames_end()) / 2] ^= std::byte{0x10};
  const auto dump = DumpReader::open(region);
  ASSERT_TRUE(dump) << dump.error().message;
  const std::vector<json> lines = list_of(*dump, true);
  EXPECT_EQ(lines.front().at("incomplete"), true);
  PageCount lost = 0;
  for (const json& line : lines) {
    if (line.value("state", "") != "lost") continue;
    EXPECT_EQ(line.at("reason"), "damaged");
    lost += line.at("count").get<PageCount>();
  }
  EXPECT_GT(lost, 0);
}

}  // namespace
}  // namespace warmdump
