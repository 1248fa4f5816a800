#include "recover/spool/spool.h"

#include <gmock/gmock.h>
#include <sys/mount.h>

#include "tests/recover/region_fixture.h"

namespace warmdump::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::uint64_t kTime = 1'700'000'000;

class SpoolTest : public testing::Test {
 protected:
  Spool open() {
    auto spool = Spool::open(directory_, "host");
    if (!spool) throw std::runtime_error(spool.error().message);
    return std::move(*spool);
  }
  static fs::path save(const Spool& spool, const std::string& id) {
    auto incomplete = spool.begin(id, kTime);
    if (!incomplete) throw std::runtime_error(incomplete.error().message);
    std::ofstream(*incomplete / "vmcore") << id;
    auto saved = spool.publish(*incomplete);
    if (!saved) throw std::runtime_error(saved.error().message);
    spool.forget_publication(id);
    return *saved;
  }

  TemporaryDirectory temporary_{TemporaryDirectory::Place::memory};
  fs::path directory_ = temporary_.path() / "var" / "crash";
};

TEST(DumpDirectoryName, TellsHostAndTimeInUtc) {
  EXPECT_EQ(dump_directory_name("web3", kTime, 0), "web3-2023-11-14-22:13:20");
  EXPECT_EQ(dump_directory_name("web3", 0, kTime), "web3-2023-11-14-22:13:20");
  EXPECT_EQ(dump_directory_name("web3", ~0ULL, kTime), "web3-2023-11-14-22:13:20");
  EXPECT_EQ(dump_directory_name("../a b/\n", kTime, 0), "_._a_b__-2023-11-14-22:13:20");
  EXPECT_EQ(dump_directory_name("", kTime, 0), "localhost-2023-11-14-22:13:20");
}

TEST(DumpDirectoryName, IsThatOfTheLayout) {
  const auto name = [](const char* layout) {
    return dump_directory_name("web3", kTime, 0, *find_dump_layout(layout));
  };
  EXPECT_EQ(name("redhat"), "web3-2023-11-14-22:13:20");
  EXPECT_EQ(name("debian"), "202311142213");
  EXPECT_EQ(name("suse"), "2023-11-14-22-13");
  EXPECT_EQ(name("chromeos"), "web3-2023-11-14-22:13:20");
}

TEST_F(SpoolTest, HasTheNamesOfItsLayout) {
  const auto spool = Spool::open(directory_, "host", "debian");
  ASSERT_TRUE(spool);
  save(*spool, "aa");
  save(*spool, "bb");
  EXPECT_THAT(names_in(directory_), ElementsAre("202311142213", "202311142213-2"));
  EXPECT_EQ(Spool::open(directory_, "host", "solaris").error().code, ErrorCode::invalid);
}

TEST_F(SpoolTest, ADumpAppearsUnderItsNameOnlyWhenPublished) {
  const Spool spool = open();
  const auto incomplete = spool.begin("aa", kTime);
  ASSERT_TRUE(incomplete);
  EXPECT_THAT(names_in(directory_), ElementsAre("host-2023-11-14-22:13:20-incomplete"));
  EXPECT_FALSE(spool.find("aa")->has_value());
  const auto saved = spool.publish(*incomplete);
  ASSERT_TRUE(saved);
  EXPECT_TRUE(spool.was_published("aa"));
  EXPECT_FALSE(spool.was_published("ab"));
  spool.forget_publication("aa");
  EXPECT_FALSE(spool.was_published("aa"));
  EXPECT_THAT(names_in(directory_), ElementsAre("host-2023-11-14-22:13:20"));
  EXPECT_EQ(spool.find("aa")->value(), *saved);
  EXPECT_FALSE(spool.find("ab")->has_value());
}

TEST_F(SpoolTest, NothingButTheOwnerMayLookInside) {
  save(open(), "aa");
  for (const auto& entry : fs::directory_iterator(directory_)) {
    EXPECT_EQ(entry.status().permissions(), fs::perms::owner_all);
  }
}

TEST_F(SpoolTest, NamesThatAreTakenGetANumber) {
  const Spool spool = open();
  save(spool, "aa");
  save(spool, "bb");
  save(spool, "cc");
  EXPECT_THAT(names_in(directory_), ElementsAre("host-2023-11-14-22:13:20", "host-2023-11-14-22:13:20-2",
                                                "host-2023-11-14-22:13:20-3"));
}

TEST_F(SpoolTest, OnlyTheInterruptedRunOfTheSameDumpIsRemoved) {
  const Spool spool = open();
  ASSERT_TRUE(spool.begin("aa", kTime));
  ASSERT_TRUE(spool.begin("bb", kTime));
  fs::create_directory(directory_ / "killed-before-it-had-a-name-incomplete");
  fs::create_directories(directory_ / "somebody-elses-incomplete" / "data");
  fs::create_directory(directory_ / "202411101200");
  ASSERT_TRUE(spool.begin("aa", kTime));
  EXPECT_THAT(names_in(directory_),
              ElementsAre("202411101200", "host-2023-11-14-22:13:20-2-incomplete",
                          "host-2023-11-14-22:13:20-incomplete", "somebody-elses-incomplete"));
}

TEST_F(SpoolTest, OneProgramAtATime) {
  const Spool spool = open();
  const auto second = Spool::open(directory_, "host");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::busy);
  EXPECT_THAT(second.error().message, HasSubstr("another `warmdump` is at work"));
}

TEST_F(SpoolTest, WrongPlacesAreNamed) {
  fs::create_directories(directory_.parent_path());
  std::ofstream(directory_) << "a file";
  const auto file = Spool::open(directory_, "host");
  ASSERT_FALSE(file);
  EXPECT_THAT(file.error().message, HasSubstr(directory_.string()));
  const auto below_a_file = Spool::open(directory_ / "spool", "host");
  ASSERT_FALSE(below_a_file);
  EXPECT_THAT(below_a_file.error().message, HasSubstr("Not a directory"));
}

TEST_F(SpoolTest, AFullFileSystemIsSaidAndLeavesNothing) {
  fs::create_directories(directory_);
  if (::mount("none", directory_.c_str(), "tmpfs", 0, "size=64k,nr_inodes=4") != 0) {
    GTEST_SKIP() << "needs the right to mount a small tmpfs";
  }
  {
    MemoryRegion region;
    plant_dump(region, dump_format::State::complete);
    const std::vector<std::byte> before = region.bytes;
    OneFrameExtractor extractor;
    RecordingEvents events;
    const auto recovered =
        recover_region(region, 0, open(), extractor, events, {.records = ArmRecords(directory_ / "none")});
    ASSERT_FALSE(recovered);
    EXPECT_EQ(recovered.error().code, ErrorCode::no_space);
    EXPECT_THAT(recovered.error().message, HasSubstr("the dump stays"));
    EXPECT_TRUE(names_in(directory_).empty());
    EXPECT_EQ(region.bytes, before);
  }
  ::umount(directory_.c_str());
}

}  // namespace
}  // namespace warmdump::test
