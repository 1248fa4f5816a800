// What root removes after dumps were sent, and what it leaves alone.

#include "upload/queue/tidy.h"

#include "tests/upload/queue_fixture.h"

namespace warmdump {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Tidy : public QueueTest {
 protected:
  TidyReport tidy() {
    auto report = remove_sent_dumps(spool, state, server.name());
    EXPECT_TRUE(report);
    return report ? std::move(*report) : TidyReport();
  }
};

TEST_F(Tidy, removes_what_was_sent_as_a_whole_and_that_alone) {
  add_dump("a", "w1-x", 100);
  run();
  add_dump("b", "w1-y", 100);
  surroundings.is_metered = true;
  run();
  const auto report = tidy();
  EXPECT_THAT(report.removed, ElementsAre("a"));
  EXPECT_THAT(report.kept, IsEmpty());
  EXPECT_FALSE(std::filesystem::exists(spool / "a"));
  EXPECT_TRUE(std::filesystem::exists(spool / "b/vmcore"));
  EXPECT_THAT(tidy().removed, IsEmpty());
  EXPECT_THAT(remove_sent_dumps(spool, state, "another:")->removed, IsEmpty());
}

TEST_F(Tidy, leaves_what_is_not_exactly_what_was_sent) {
  for (const char* name : {"a", "b", "c", "d"}) add_dump(name, std::string("w1-") + name, 100);
  run();
  write_file(spool / "a/vmcore", "other bytes");
  write_file(spool / "b/notes", "of somebody");
  std::filesystem::rename(spool / "c", temporary / "elsewhere");
  std::filesystem::create_directory_symlink(temporary / "elsewhere", spool / "c");
  const auto held = open_dump_directory(spool / "d");
  ASSERT_TRUE(held);
  const auto report = tidy();
  EXPECT_THAT(report.removed, IsEmpty());
  EXPECT_THAT(report.kept, testing::UnorderedElementsAre(
                               "a: vmcore in it is not what was sent", "b: notes in it is not what was sent",
                               HasSubstr("c: cannot be opened"), "d: somebody uses it"));
  EXPECT_TRUE(std::filesystem::exists(temporary / "elsewhere/vmcore"));
}

TEST_F(Tidy, names_in_records_lead_nowhere_else) {
  add_dump("a", "w1-x", 100);
  run();
  std::filesystem::create_directories(temporary / "outside");
  std::filesystem::create_directories(spool / "unauthenticated/x");
  const auto sent = record_of("a");
  for (const char* name : {"../outside", "..", ".", "", "a/../../outside", "unauthenticated"}) {
    DumpRecord record;
    record.id = sent.id;
    record.sink = sent.sink;
    record.state = sent.state;
    record.whole_was_sent = true;
    record.name = name;
    ASSERT_TRUE(RecordStore(state).store(record));
    EXPECT_THAT(tidy().removed, IsEmpty()) << name;
  }
  EXPECT_TRUE(std::filesystem::exists(temporary / "outside"));
  EXPECT_TRUE(std::filesystem::exists(spool / "a/vmcore"));
}

TEST_F(Tidy, finishes_what_was_interrupted) {
  add_dump("a", "w1-x", 100);
  run();
  std::filesystem::remove(spool / "a/meta.json");
  std::filesystem::remove(spool / "a/vmcore");
  EXPECT_THAT(run().untold, IsEmpty()) << "no dump any more";
  EXPECT_THAT(tidy().removed, ElementsAre("a"));
}

}  // namespace
}  // namespace warmdump
