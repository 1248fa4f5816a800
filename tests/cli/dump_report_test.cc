#include "cli/dump_report.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <sstream>

namespace warmdump {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr PageCount kGiBPages = kGiB / kPageSize;

DumpSummary make_summary() {
  DumpSummary summary;
  summary.completeness =
      "incomplete: the region was too small, it was full while storing: other struct pages, "
      "12288 pages lost, VMCOREINFO missing";
  summary.panic_text =
      "Kernel panic - not syncing: \x1b[2J\xc2\x9b"
      "evil";
  summary.capture_info["key\n"] =
      "value\r\nwith\x7f"
      "controls";
  summary.pages.total.lost = 12288;
  summary.pages.classes[1] = {.pages = 12288, .kept = 12288, .lost = 12288};
  return summary;
}

DumpMap make_map(PageState second) {
  DumpMapBuilder builder;
  builder.add({0, kGiBPages, PageState::data, LostReason::none, dump_format::PageClass::slab, true});
  builder.add({4 * kGiBPages, kGiBPages, second, LostReason::none, dump_format::PageClass::free, false});
  return std::move(builder).finish({6 * kGiBPages, 6 * kGiBPages + kGiBPages / 2});
}

TEST(DumpReport, fits_the_terminal) {
  std::istringstream lines(dump_report(make_summary(), {.colours = false, .columns = 80}));
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80) << line;
}

TEST(DumpReport, has_colours_only_where_they_are_wanted) {
  EXPECT_THAT(dump_report(make_summary(), {.colours = true, .columns = 100}), HasSubstr("\033[1;31m"));
  EXPECT_THAT(dump_report(make_summary(), {.colours = false, .columns = 100}), Not(HasSubstr("\033")));
}

TEST(DumpReport, tells_where_it_crashed_how_long_it_took_and_how_to_open_it) {
  DumpSummary summary = make_summary();
  summary.trace.registers = "RIP: 0010:sysrq_handle_crash+0x16/0x20";
  summary.trace.frames = {"sysrq_handle_crash", "__handle_sysrq", "write_sysrq_trigger"};
  summary.timings_ms["vmcore"] = 1200;
  const std::string report = dump_report(summary);
  EXPECT_THAT(report, HasSubstr("at               RIP: 0010:sysrq_handle_crash+0x16/0x20\n"));
  EXPECT_THAT(report,
              HasSubstr("trace            sysrq_handle_crash < __handle_sysrq < write_sysrq_trigger\n"));
  EXPECT_THAT(report, HasSubstr("vmcore 1.2 s"));
  EXPECT_THAT(commands_report(summary, "vmcore.202311142213"), HasSubstr("vmcore.202311142213"));

  summary.trace.frames.assign(100, "\x1b[2Jframe");
  const std::string long_report = dump_report(summary);
  EXPECT_THAT(long_report, HasSubstr("76 more"));
  EXPECT_THAT(long_report, Not(HasSubstr("\x1b")));
}

TEST(DumpReport, text_of_a_dump_does_not_reach_the_terminal_as_control) {
  const std::string report = dump_report(make_summary());
  EXPECT_THAT(report, HasSubstr("?[2J??evil"));
  EXPECT_THAT(report, HasSubstr("value??with?controls"));
}

TEST(MapReport, letters_tell_kept_from_left_out_from_lost) {
  const std::string map = map_report(make_map(PageState::excluded), {.colours = false, .columns = 80});
  EXPECT_THAT(map, HasSubstr(std::string(64, 'S')));
  EXPECT_THAT(map, HasSubstr(std::string(64, 'f')));
  EXPECT_THAT(map, HasSubstr("3 GiB without RAM"));
  EXPECT_THAT(map, HasSubstr(std::string(64, '#')));
  EXPECT_THAT(map, HasSubstr("f free, s slab"));
  EXPECT_THAT(map_report(make_map(PageState::lost)), HasSubstr(std::string(64, '!')));
}

TEST(MapReport, fits_the_terminal) {
  for (const std::size_t columns : {std::size_t{40}, std::size_t{80}, std::size_t{200}}) {
    std::istringstream lines(
        map_report(make_map(PageState::excluded), {.colours = false, .columns = columns}));
    for (std::string line; std::getline(lines, line);) {
      const auto continued =
          std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xc0) == 0x80; });
      EXPECT_LE(line.size() - static_cast<std::size_t>(continued), columns) << line;
    }
  }
}

}  // namespace
}  // namespace warmdump
