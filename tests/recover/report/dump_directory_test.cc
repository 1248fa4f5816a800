#include "recover/report/dump_directory.h"

#include <gmock/gmock.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>

#include "recover/report/layout.h"
#include "recover/report/meta_json.h"
#include "tests/support/dump_builder.h"
#include "tests/support/temporary_directory.h"

namespace warmdump {
namespace {

using testing::HasSubstr;

std::string content_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::set<std::string> names_in(const std::filesystem::path& directory) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory))
    names.insert(entry.path().filename());
  return names;
}

TEST(DumpDirectory, CompleteDumpMakesItsFiles) {
  auto machine = test::make_small_machine();
  const auto region = machine.builder.build();
  const auto dump = DumpReader::open(region);
  ASSERT_TRUE(dump) << dump.error().message;
  const test::TemporaryDirectory directory;
  const auto summary = write_dump_directory(*dump, directory.path(), {});
  ASSERT_TRUE(summary) << summary.error().message;
  EXPECT_EQ(
      names_in(directory.path()),
      (std::set<std::string>{"vmcore", "vmcore-dmesg.txt", "memory-map.json", "report.html", "meta.json"}));
  EXPECT_THAT(content_of(directory / "report.html"), HasSubstr("<h1>sysrq triggered crash</h1>"));
  const auto map = read_dump_map(directory.path());
  ASSERT_TRUE(map) << map.error().message;
  PageCount pages = 0;
  for (const MemoryCell& cell : map->cells) pages += ram_pages(cell);
  EXPECT_EQ(pages, summary->pages.total.pages);
  EXPECT_EQ(content_of(directory / "vmcore-dmesg.txt"),
            "[    0.000000] Linux version 6.1.0-99-amd64\n"
            "[   12.345678] sysrq: Trigger a crash\n"
            "[   12.345700] Kernel panic - not syncing: sysrq triggered crash\n");

  EXPECT_TRUE(summary->complete) << summary->completeness;
  EXPECT_EQ(summary->panic_text, "Kernel panic - not syncing: sysrq triggered crash");
  EXPECT_EQ(summary->kernel.release, "6.1.0-99-amd64");
  EXPECT_EQ(summary->kernel.node_name, "testhost");
  EXPECT_EQ(summary->crash_time_s, 1700000000);
  EXPECT_EQ(summary->cpu_count, 2);
  EXPECT_EQ(summary->capture_info.at("boot_id"), "5a5a");
  EXPECT_EQ(summary->pages.total.data + summary->pages.total.zero, machine.present.size());
  EXPECT_EQ(*summary->vmcore_size, std::filesystem::file_size(directory / "vmcore"));
}

TEST(DumpDirectory, without_a_report_there_is_none) {
  auto machine = test::make_small_machine();
  const auto region = machine.builder.build();
  const auto dump = DumpReader::open(region);
  ASSERT_TRUE(dump) << dump.error().message;
  const test::TemporaryDirectory directory;
  DumpDirectoryOptions options;
  options.report = false;
  const auto summary = write_dump_directory(*dump, directory.path(), {}, options);
  ASSERT_TRUE(summary) << summary.error().message;
  EXPECT_EQ(names_in(directory.path()),
            (std::set<std::string>{"vmcore", "vmcore-dmesg.txt", "memory-map.json", "meta.json"}));
}

// Else a dump that is sent again, since nobody knew that it had arrived, would be another one.
TEST(DumpDirectory, small_files_of_a_dump_that_is_sent_tell_no_time_but_that_of_the_crash) {
  auto machine = test::make_small_machine();
  machine.builder.header.crash_time_s = 1'700'000'000;
  const auto region = machine.builder.build();
  const auto dump = DumpReader::open(region);
  ASSERT_TRUE(dump) << dump.error().message;
  DumpDirectoryOptions options;
  options.vmcore = false;
  for (const DumpLayout& layout : dump_layouts()) {
    options.layout = layout.name;
    const test::TemporaryDirectory first, second;
    for (const auto* directory : {&first, &second}) {
      const auto summary = write_dump_directory(*dump, directory->path(), {}, options);
      ASSERT_TRUE(summary) << summary.error().message;
      EXPECT_THAT(summary->timings_ms, testing::IsEmpty());
    }
    const auto names = names_in(first.path());
    EXPECT_EQ(names, names_in(second.path()));
    for (const std::string& name : names) {
      EXPECT_EQ(content_of(first / name), content_of(second / name)) << layout.name << " " << name;
      if (name.ends_with(".meta")) {
        EXPECT_THAT(content_of(first / name), HasSubstr("=1700000000000\n"));
      }
    }
  }
}

TEST(DumpDirectory, MetaJsonComesBackAsItWasWritten) {
  auto machine = test::make_small_machine();
  auto region = machine.builder.build();
  region.bytes[(dump_format::kFramesOffset + machine.builder.frames_end()) / 2] ^= std::byte{0x10};
  const auto dump = DumpReader::open(region);
  ASSERT_TRUE(dump) << dump.error().message;
  const test::TemporaryDirectory directory;
  const auto written = write_dump_directory(*dump, directory.path(), {});
  ASSERT_TRUE(written) << written.error().message;
  EXPECT_FALSE(written->complete);
  EXPECT_THAT(written->completeness, HasSubstr("pages lost"));

  const auto read = read_dump_directory(directory.path());
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(to_json(*read), to_json(*written));
  const auto json = nlohmann::json::parse(content_of(directory / "meta.json"));
  EXPECT_EQ(json.at("schema"), kMetaSchema);
  EXPECT_EQ(json.at("pages").at("total").at("lost"), written->pages.total.lost);
  EXPECT_EQ(json.at("pages").at("lost_by_reason").at("damaged"), written->pages.total.lost);
  EXPECT_EQ(json.at("damage").at("missing_frames"), 1);
  EXPECT_EQ(json.at("region").at("state"), "complete");
}

TEST(DumpDirectory, CaptureThatDiedIsToldWithPhaseAndErrno) {
  test::DumpBuilder builder;
  builder.add_pages(std::vector<test::Run>{{16, 1, dump_format::RunContent::data}});
  builder.header.phase = static_cast<std::uint32_t>(dump_format::Phase::kernel_pages);
  builder.header.error_code = static_cast<std::uint32_t>(ErrorCode::io);
  builder.header.system_errno = 5;
  const auto region = builder.build(dump_format::State::writing);
  const auto dump = DumpReader::open(region);
  ASSERT_TRUE(dump) << dump.error().message;
  const auto contents = summarize(*dump);
  ASSERT_TRUE(contents);
  EXPECT_THAT(contents->summary.completeness,
              HasSubstr("the capture failed while storing: kernel pages (input/output: Input/output error)"));
  EXPECT_EQ(contents->summary.region.system_errno, 5);
}

TEST(DumpDirectory, DumpWithoutALogHasNoLogFile) {
  test::DumpBuilder builder;
  builder.add_pages(std::vector<test::Run>{{16, 1, dump_format::RunContent::data}});
  const auto region = builder.build(dump_format::State::writing);
  const auto dump = DumpReader::open(region);
  ASSERT_TRUE(dump) << dump.error().message;
  const test::TemporaryDirectory directory;
  const auto summary = write_dump_directory(*dump, directory.path(), {});
  ASSERT_TRUE(summary) << summary.error().message;
  EXPECT_EQ(names_in(directory.path()),
            (std::set<std::string>{"vmcore", "memory-map.json", "report.html", "meta.json"}));
  EXPECT_THAT(summary->log_error, HasSubstr("VMCOREINFO"));
}

TEST(DumpDirectory, TextOfADumpThatIsNotUtf8DoesNotBreakTheJson) {
  DumpSummary summary;
  summary.panic_text = "bad \xff\xfe bytes";
  summary.capture_info["key"] = "\xc3";
  const auto read = parse_meta_json(to_json(summary));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->panic_text, "bad \xef\xbf\xbd\xef\xbf\xbd bytes");
}

TEST(DumpDirectory, WrongMetaJsonHasOneClearErrorEach) {
  const test::TemporaryDirectory directory;
  EXPECT_EQ(read_dump_directory(directory.path()).error().code, ErrorCode::not_found);
  EXPECT_EQ(parse_meta_json("{").error().code, ErrorCode::corrupt);
  EXPECT_EQ(parse_meta_json("[]").error().code, ErrorCode::corrupt);
  EXPECT_EQ(parse_meta_json(R"({"schema": 1, "complete": "yes"})").error().code, ErrorCode::corrupt);
  EXPECT_EQ(parse_meta_json(R"({"schema": 2})").error().code, ErrorCode::unsupported);
}

}  // namespace
}  // namespace warmdump
