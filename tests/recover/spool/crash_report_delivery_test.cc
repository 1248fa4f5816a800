#include "recover/spool/crash_report_delivery.h"

#include <gmock/gmock.h>

#include "tests/recover/region_fixture.h"

namespace warmdump::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class CrashReportDelivery : public testing::Test {
 protected:
  CrashReportDelivery() {
    fs::create_directories(target_);
    add("host-1", "kernel.20231114.221320.00001.0");
  }
  void add(const std::string& dump, const std::string& base) {
    fs::create_directories(spool_ / dump);
    std::ofstream(spool_ / dump / (base + ".kcrash")) << "log of " << dump;
    std::ofstream(spool_ / dump / (base + ".meta")) << "payload=" << base << ".kcrash\ndone=1\n";
    std::ofstream(spool_ / dump / "vmcore") << "pages";
  }
  std::size_t deliver() {
    const auto delivered = deliver_crash_reports(spool_, target_);
    EXPECT_TRUE(delivered) << delivered.error().message;
    return delivered ? *delivered : 99;
  }

  TemporaryDirectory temporary_{TemporaryDirectory::Place::memory};
  fs::path spool_ = temporary_ / "crash", target_ = temporary_ / "sender";
};

TEST_F(CrashReportDelivery, hands_over_the_small_files_once) {
  EXPECT_EQ(deliver(), 1);
  EXPECT_THAT(names_in(target_),
              ElementsAre("kernel.20231114.221320.00001.0.kcrash", "kernel.20231114.221320.00001.0.meta"));
  EXPECT_EQ(content_of(target_ / "kernel.20231114.221320.00001.0.kcrash"), "log of host-1");
  EXPECT_EQ(fs::status(target_ / "kernel.20231114.221320.00001.0.meta").permissions(), fs::perms(0660));
  fs::remove_all(target_);  // as the sender does
  fs::create_directories(target_);
  EXPECT_EQ(deliver(), 0);
  EXPECT_THAT(names_in(target_), IsEmpty());
}

TEST_F(CrashReportDelivery, goes_on_where_it_was_killed) {
  std::ofstream(target_ / "kernel.20231114.221320.00001.0.kcrash") << "half";
  EXPECT_EQ(deliver(), 1);
  EXPECT_EQ(content_of(target_ / "kernel.20231114.221320.00001.0.kcrash"), "log of host-1");
}

TEST_F(CrashReportDelivery, follows_no_link_that_somebody_put_in_its_way) {
  std::ofstream(temporary_ / "victim") << "untouched";
  fs::create_symlink(temporary_ / "victim", target_ / "kernel.20231114.221320.00001.0.kcrash");
  EXPECT_EQ(deliver(), 1);
  EXPECT_EQ(content_of(temporary_ / "victim"), "untouched");
  EXPECT_FALSE(fs::is_symlink(target_ / "kernel.20231114.221320.00001.0.kcrash"));
}

TEST_F(CrashReportDelivery, leaves_dumps_alone_that_are_being_written_or_have_no_report) {
  add("host-2-incomplete", "kernel.20231114.221320.00002.0");
  fs::create_directories(spool_ / "host-3");
  EXPECT_EQ(deliver(), 1);
}

TEST_F(CrashReportDelivery, without_a_sender_fails_and_tries_again_later) {
  fs::remove_all(target_);
  EXPECT_EQ(deliver_crash_reports(spool_, target_).error().code, ErrorCode::not_found);
  fs::create_directories(target_);
  EXPECT_EQ(deliver(), 1);
}

}  // namespace
}  // namespace warmdump::test
