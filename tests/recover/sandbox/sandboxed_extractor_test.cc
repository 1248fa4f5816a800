#include "recover/sandbox/sandboxed_extractor.h"

#include <fmt/format.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "common/file_device.h"
#include "recover/dump_reader_extractor.h"
#include "tests/recover/region_fixture.h"
#include "tests/recover/sandbox/sandbox_fixture.h"
#include "tests/support/dump_builder.h"
#include "tests/support/memory_device.h"
#ifdef HAVE_LIBKDUMPFILE
#include "tests/support/kdump_file.h"
#endif

namespace warmdump {
namespace {

using testing::HasSubstr;

namespace files = std::filesystem;

class SandboxedExtractorTest : public testing::TestWithParam<test::RunAs> {
 protected:
  // Expectations of `body` are its result: nothing when all hold.
  static void expect_nothing(const std::function<std::string(const files::path& spool)>& body) {
    const std::string told = test::run_as(GetParam(), body);
    if (told == "skipped") GTEST_SKIP() << "needs root";
    EXPECT_EQ(told, "");
  }

  static SandboxOptions options_for(const files::path& spool, std::string* warnings = nullptr) {
    SandboxOptions options;
    options.spool = spool;
    options.user = "nobody";
    options.warn = [warnings](const std::string& text) {
      if (warnings != nullptr) *warnings += text + "; ";
    };
    return options;
  }
};

std::string content_of(const files::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// meta.json without what no two runs have in common.
nlohmann::json lasting_meta(const files::path& path) {
  auto json = nlohmann::json::parse(content_of(path));
  json.erase("timings_ms");
  return json;
}

std::string differences(const files::path& left, const files::path& right) {
  std::string found;
  for (const auto& entry : files::directory_iterator(left)) {
    const std::string name = entry.path().filename();
    // Pages lie in a vmcore in the order in which threads are done with them: see wrong_pages().
    const bool same = name == "vmcore" || name == "report.html" ||
                      (name == "meta.json" ? lasting_meta(entry.path()) == lasting_meta(right / name)
                                           : content_of(entry.path()) == content_of(right / name));
    if (!same) found += name + " differs; ";
  }
  const auto count = [](const files::path& path) {
    return std::distance(files::directory_iterator(path), files::directory_iterator());
  };
  if (count(left) != count(right) || count(left) < 3) found += "other files";
  return found;
}

#ifdef HAVE_LIBKDUMPFILE
// As libkdumpfile reads it: every page with its bytes, and none that was left out.
std::string wrong_pages(const files::path& vmcore, const test::SmallMachine& machine) {
  test::KdumpFile file(vmcore);
  if (!file.is_open()) return file.error() + "; ";
  test::Page page;
  for (const auto& [pfn, content] : machine.present) {
    if (file.read(pfn, page) != KDUMP_OK || page != content) return fmt::format("pfn {:#x} differs; ", pfn);
  }
  for (const Pfn pfn : machine.excluded) {
    if (file.read(pfn, page) != KDUMP_ERR_NODATA) return fmt::format("pfn {:#x} is there; ", pfn);
  }
  return "";
}
#else
std::string wrong_pages(const files::path&, const test::SmallMachine&) {
  return "";
}
#endif

TEST_P(SandboxedExtractorTest, a_real_dump_gives_the_same_files_as_without) {
  expect_nothing([](const files::path& spool) -> std::string {
    auto machine = test::make_small_machine();
    const auto memory = machine.builder.build();
    std::ofstream(spool / "region", std::ios::binary)
        .write(reinterpret_cast<const char*>(memory.bytes.data()),
               static_cast<std::streamsize>(memory.size()));
    FileDevice region;
    if (!region.open((spool / "region").c_str(), FileDevice::Access::read_write_direct)) return "no region";
    files::create_directory(spool / "with");
    files::create_directory(spool / "without");

    DumpReaderExtractor inner;
    std::string warnings;
    SandboxedExtractor sandboxed(inner, options_for(spool, &warnings));
    const auto identity = sandboxed.identify(region);
    if (!identity.has_value() || !*identity) return "not identified";
    ByteCount last = 0;
    const auto with =
        sandboxed.extract(region, spool / "with", [&](ByteCount done, ByteCount) { last = done; });
    if (!with.has_value()) return with.error().message;

    DumpReaderExtractor plain;
    const auto plain_identity = plain.identify(region);
    const auto without = plain.extract(region, spool / "without", {});
    if (!without.has_value()) return without.error().message;
    std::string wrong = differences(spool / "with", spool / "without");
    wrong += wrong_pages(spool / "with" / "vmcore", machine);
    if ((*identity)->id != (*plain_identity)->id || (*identity)->boot_id != (*plain_identity)->boot_id ||
        (*identity)->crash_time_s != (*plain_identity)->crash_time_s ||
        (*identity)->authenticity != (*plain_identity)->authenticity)
      wrong += "another identity; ";
    // meta.json has timings, so sizes may differ by some digits.
    if (with->complete != without->complete || with->completeness != without->completeness ||
        with->crash_text != without->crash_text || with->authenticity != without->authenticity ||
        with->bytes_written + 100 < without->bytes_written)
      wrong += "another outcome; ";
    if (last == 0) wrong += "no progress; ";
    struct stat status {};
    ::stat((spool / "with" / "vmcore").c_str(), &status);
    if (status.st_uid != ::geteuid() || (status.st_mode & 07777) != 0600) wrong += "another owner or mode; ";
    if (files::exists(spool / ".reading")) wrong += "its room is left";
    return wrong + warnings;
  });
}

TEST_P(SandboxedExtractorTest, a_region_without_dump_and_a_forged_one_are_told_as_without) {
  expect_nothing([](const files::path& spool) -> std::string {
    const test::MemoryDevice empty(16 * kMiB);
    DumpReaderExtractor inner;
    SandboxedExtractor sandboxed(inner, options_for(spool));
    const auto none = sandboxed.identify(empty);
    if (!none.has_value() || *none) return "found a dump in nothing";

    auto machine = test::make_small_machine();
    SealSecret secret;
    secret.boot_id = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee";
    test::DumpBuilder forged;
    forged.seal_with(secret);
    const auto region = forged.build();
    secret.secret.fill(7);
    DumpReaderExtractor checking({secret});
    SandboxedExtractor sandboxed_checking(checking, options_for(spool));
    const auto identity = sandboxed_checking.identify(region);
    if (identity.has_value() || identity.error().code != ErrorCode::refused)
      return "a forgery was not refused";
    const auto plain = DumpReaderExtractor({secret}).identify(region);
    return plain.error().message == identity.error().message ? "" : identity.error().message;
  });
}

// Tells progress and waits to be looked at, in the reader.
class Shown final : public DumpExtractor {
 public:
  Outcome<std::optional<DumpIdentity>> identify(const Device&) override {
    return std::optional<DumpIdentity>(DumpIdentity());
  }
  Outcome<ExtractedDump> extract(const Device&, const files::path&, const Progress& progress) override {
    std::jthread([&] { progress(1, 1); }).join();
    return ExtractedDump{
        .complete = true, .completeness = "complete", .authenticity = "unchecked", .crash_text = ""};
  }
};

TEST_P(SandboxedExtractorTest, the_kernel_confirms_what_the_reader_gave_up) {
  expect_nothing([](const files::path& spool) -> std::string {
    Shown inner;
    std::string warnings;
    SandboxedExtractor sandboxed(inner, options_for(spool, &warnings));
    const test::MemoryDevice region(64 * kKiB);
    files::create_directory(spool / "dump");
    std::string status;
    const auto dump = sandboxed.extract(region, spool / "dump", [&](ByteCount, ByteCount) {
      std::string child;
      std::ifstream(fmt::format("/proc/self/task/{}/children", ::getpid())) >> child;
      status = content_of(files::path("/proc") / child / "status");
    });
    if (!dump.has_value()) return dump.error().message;
    for (const char* line : {"Name:\twarmdump-reader\n", "Uid:\t65534\t65534\t65534\t65534\n",
                             "Gid:\t65534\t65534\t65534\t65534\n", "Groups:\t \n", "NoNewPrivs:\t1\n",
                             "Seccomp:\t2\n", "CapPrm:\t0000000000000000\n", "CapEff:\t0000000000000000\n",
                             "CapInh:\t0000000000000000\n", "CapAmb:\t0000000000000000\n"}) {
      if (status.find(line) == std::string::npos) return std::string("no ") + line + " in " + status;
    }
    return warnings;
  });
}

INSTANTIATE_TEST_SUITE_P(Users, SandboxedExtractorTest, testing::Values(test::RunAs::root, test::RunAs::user),
                         test::run_as_name);

TEST(SandboxedExtractor, a_wrong_user_costs_the_user_never_the_dump) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  for (const char* user : {"root", "nobody-of-that-name"}) {
    const test::TemporaryDirectory spool;
    std::string warnings;
    SandboxOptions options;
    options.spool = spool.path();
    options.user = user;
    options.warn = [&](const std::string& text) { warnings += text; };
    test::TakenOver inner(
        [](const Device&) { return fmt::format("uid {}", ::getuid() == 0 ? "root" : "other"); });
    SandboxedExtractor sandboxed(inner, options);
    const test::MemoryDevice region(64 * kKiB);
    const auto identity = sandboxed.identify(region);
    EXPECT_EQ(identity.error().message, "uid other");
    EXPECT_THAT(warnings, HasSubstr(user));
    EXPECT_THAT(warnings, HasSubstr("dumps are read as"));
  }
}

const TrustRules kNotJudged{.is_own_region = false};

TEST(SandboxedExtractor, a_dump_whose_reader_dies_stays_on_the_region) {
  test::TemporaryDirectory directory;
  test::MemoryRegion region;
  test::plant_dump(region, dump_format::State::complete);
  const auto before = region.bytes;
  test::RecordingEvents events;
  const auto spool = Spool::open(directory / "spool", "host");
  ASSERT_TRUE(spool.has_value());
  test::OneFrameExtractor inner;
  inner.before = []() -> Outcome<void> { ::_exit(9); };
  SandboxOptions options;
  options.spool = directory / "spool";
  options.user = "nobody";
  SandboxedExtractor sandboxed(inner, options);
  const auto recovered = recover_region(region, 0, *spool, sandboxed, events, kNotJudged);
  ASSERT_FALSE(recovered.has_value());
  EXPECT_EQ(
      recovered.error().message,
      "cannot extract the dump: the process that reads the dump ended before it was done (exit code 9); the "
      "dump stays on the region");
  EXPECT_TRUE(region.bytes == before);
  EXPECT_TRUE(test::names_in(directory / "spool").empty());

  inner.before = [] { return Outcome<void>(); };
  ASSERT_TRUE(recover_region(region, 0, *spool, sandboxed, events, kNotJudged).has_value());
  test::expect_one_dump(directory / "spool", "after a reader that died");
  EXPECT_EQ(region.leftovers(), 0);
}

TEST(SandboxedExtractor, a_region_without_dump_starts_no_process) {
  test::TemporaryDirectory directory;
  test::MemoryRegion region;
  test::plant_dump(region, dump_format::State::cleared);
  std::fill(region.bytes.begin() + dump_format::kFramesOffset, region.bytes.end(), std::byte{0});
  test::RecordingEvents events;
  const auto spool = Spool::open(directory / "spool", "host");
  ASSERT_TRUE(spool.has_value());
  test::OneFrameExtractor inner;
  SandboxOptions options;
  options.spool = "/does/not/exist";  // no process could start
  SandboxedExtractor sandboxed(inner, options);
  EXPECT_TRUE(recover_region(region, 0, *spool, sandboxed, events, kNotJudged).has_value());
}

}  // namespace
}  // namespace warmdump
