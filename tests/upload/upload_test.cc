// The story of an upload over a destination in memory and in virtual time.

#include "upload/queue/upload.h"

#include <algorithm>
#include <map>

#include "tests/upload/dump_fixture.h"
#include "tests/upload/memory_state_files.h"

namespace warmdump {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// Failures are asked for by the name of a file, the last part of its key.
class MemoryDestination final : public Destination {
 public:
  std::string name() const override { return "memory:"; }
  SendOutcome<Standing> open(const ObjectToSend& object, TransferSession& session) override {
    session = {};
    session.protocol = "memory";
    Standing standing;
    standing.missing = {{1, 0, object.size}};
    return standing;
  }
  SendOutcome<SentPiece> send(const ObjectToSend& object, const TransferSession&, const Piece& piece,
                              const BytesDone& done) override {
    ++sends;
    done(piece.size / 2);
    auto& planned = failures[file_of(object)];
    if (!planned.empty()) {
      SendFailure failure = std::move(planned.back());
      planned.pop_back();
      return failure;
    }
    done(piece.size);
    return SentPiece{piece, "tag"};
  }
  SendOutcome<ObjectReceipt> finish(const ObjectToSend& object, const TransferSession& session) override {
    EXPECT_TRUE(session.is_finishing);
    arrived.push_back(file_of(object));
    return ObjectReceipt{object.key, "tag", ""};
  }
  void abandon(const ObjectToSend& object, const TransferSession&) override { abandoned = file_of(object); }

  void fail(const std::string& file, Remedy remedy, int times = 1,
            std::optional<seconds> retry_after = std::nullopt) {
    for (int i = 0; i < times; ++i) {
      SendFailure failure(Failure(ErrorCode::io, "broken"), remedy);
      failure.retry_after = retry_after;
      failures[file].push_back(std::move(failure));
    }
  }

  std::map<std::string, std::vector<SendFailure>> failures;
  std::vector<std::string> arrived;
  unsigned sends = 0;
  std::string abandoned;

 private:
  static std::string file_of(const ObjectToSend& object) {
    return object.key.substr(object.key.rfind('/') + 1);
  }
};

class UploadTest : public DumpTest {
 protected:
  SendOutcome<UploadReport> upload() {
    options.random = [] { return 0.5; };
    options.state = &state;
    return upload_dump(dump, destination, options, progress, clock);
  }
  std::vector<std::string> listing_of_dump() const { return listing(dump); }

  MemoryStateFiles state;
  MemoryDestination destination;
  UploadOptions options;
  RecordedProgress progress;
  VirtualClock clock;
};

TEST_F(UploadTest, a_streamed_file_goes_with_those_of_the_directory) {
  const TextSource image(std::string(3'000'000, 'm'));
  options.streamed = {{"dump.warmdump", 3'000'000, &image}};
  const test::TemporaryDirectory target;
  const auto directory = make_destination("dir:" + target.path().string(), {});
  ASSERT_TRUE(directory.has_value());
  const auto report = upload_dump(dump, **directory, options, progress, clock);
  ASSERT_TRUE(report.has_value()) << report.error().failure.message;
  const auto sent = target / report->key;
  EXPECT_EQ(read_file(sent / "dump.warmdump"), std::string(3'000'000, 'm'));
  EXPECT_TRUE(same_bytes(sent / "vmcore", dump / "vmcore"));
  ASSERT_THAT(report->receipt.files, SizeIs(4));
  EXPECT_FALSE(std::filesystem::exists(dump / "dump.warmdump"));
}

TEST_F(UploadTest, a_stream_that_ends_early_is_told) {
  const TextSource image("short");
  options.streamed = {{"dump.warmdump", 3'000'000, &image}};
  const auto report = upload();
  ASSERT_FALSE(report.has_value());
  EXPECT_EQ(report.error().failure.code, ErrorCode::corrupt);
  EXPECT_THAT(report.error().failure.message, HasSubstr("dump.warmdump: ends early, at offset 0x5"));
}

TEST_F(UploadTest, SendsInOrderAndWritesAReceipt) {
  const auto report = upload();
  ASSERT_TRUE(report.has_value());
  EXPECT_THAT(destination.arrived, ElementsAre("vmcore-dmesg.txt", "meta.json", "manifest-report.json",
                                               "vmcore", "manifest.json"));
  EXPECT_EQ(report->attempts, 5u);
  EXPECT_EQ(report->receipt.time, "2025-12-18T00:00:00Z");
  EXPECT_THAT(listing_of_dump(), ElementsAre("meta.json", "vmcore", "vmcore-dmesg.txt"));
  EXPECT_THAT(*state.names(), SizeIs(1));
  EXPECT_THAT(progress.stages, ElementsAre("checking", "sending"));
  EXPECT_THAT(clock.waits, IsEmpty());
}

TEST_F(UploadTest, IsNotSentTwiceUnlessAskedOrChanged) {
  ASSERT_TRUE(upload().has_value());
  EXPECT_EQ(upload()->result, UploadResult::receipt_found);
  EXPECT_EQ(destination.sends, 5u);
  options.again = true;
  EXPECT_EQ(upload()->result, UploadResult::sent);
  EXPECT_EQ(destination.sends, 10u);
  options.again = false;
  write_file(dump / "vmcore", "other pages");
  EXPECT_EQ(upload()->result, UploadResult::sent);
  EXPECT_EQ(destination.sends, 15u);
}

TEST_F(UploadTest, TemporaryFailuresAreRetriedWithGrowingWaits) {
  destination.fail("vmcore", Remedy::wait, 3);
  destination.fail("meta.json", Remedy::wait, 1);
  const auto report = upload();
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->attempts, 9u);
  EXPECT_THAT(clock.waits, ElementsAre(std::chrono::milliseconds(500), std::chrono::milliseconds(500),
                                       seconds(1), seconds(2)));
  EXPECT_THAT(progress.notes, SizeIs(4));
  EXPECT_THAT(progress.notes[2], HasSubstr("/vmcore: attempt 3 of 5 in 1.0 s"));
}

TEST_F(UploadTest, GivesUpAfterItsAttempts) {
  destination.fail("vmcore", Remedy::wait, 5);
  const auto report = upload();
  ASSERT_FALSE(report.has_value());
  EXPECT_EQ(report.error().remedy, Remedy::wait);
  EXPECT_THAT(report.error().failure.message, HasSubstr("gave up after 5 attempts"));
  EXPECT_THAT(clock.waits, SizeIs(4));
  EXPECT_EQ(destination.abandoned, "") << "the record says how to go on";
  EXPECT_THAT(destination.arrived, ElementsAre("vmcore-dmesg.txt", "meta.json", "manifest-report.json"));
  EXPECT_EQ(upload()->attempts, 2u) << "the pages and the last manifest";
}

TEST_F(UploadTest, without_a_record_nothing_is_left_at_the_destination) {
  destination.fail("vmcore", Remedy::wait, 5);
  EXPECT_FALSE(upload_dump(dump, destination, {}, progress, clock));
  EXPECT_EQ(destination.abandoned, "vmcore");
}

TEST_F(UploadTest, PermanentFailuresEndAtOnce) {
  destination.fail("vmcore-dmesg.txt", Remedy::change_sink);
  const auto report = upload();
  ASSERT_FALSE(report.has_value());
  EXPECT_EQ(report.error().remedy, Remedy::change_sink);
  EXPECT_EQ(destination.sends, 1u);
  EXPECT_THAT(clock.waits, IsEmpty());
}

TEST_F(UploadTest, RetryAfterIsHonouredUpToItsPatience) {
  destination.fail("vmcore", Remedy::wait, 1, seconds(100));
  ASSERT_TRUE(upload().has_value());
  EXPECT_THAT(clock.waits, ElementsAre(seconds(105)));

  options.again = true;
  destination.fail("vmcore", Remedy::wait, 1, seconds(3600));
  const auto report = upload();
  ASSERT_FALSE(report.has_value());
  EXPECT_EQ(report.error().remedy, Remedy::wait);
  EXPECT_THAT(report.error().failure.message, HasSubstr("come back in 3600 s"));
}

}  // namespace
}  // namespace warmdump
