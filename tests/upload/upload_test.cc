// The story of an upload over a destination in memory and in virtual time.

#include "upload/upload.h"

#include <algorithm>
#include <map>

#include "tests/upload/dump_fixture.h"

namespace warmdump {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class MemoryDestination final : public Destination {
 public:
  std::string name() const override { return "memory:"; }
  SendOutcome<Begun> begin(const DumpDirectory&) override { return Begun::ready; }
  SendOutcome<void> send(const DumpDirectory&, const DumpFile& file, const BytesDone& done) override {
    ++sends;
    done(file.size / 2);
    if (!failures[file.name].empty()) {
      SendFailure failure = std::move(failures[file.name].back());
      failures[file.name].pop_back();
      return failure;
    }
    arrived.push_back(file.name);
    done(file.size);
    return {};
  }
  SendOutcome<void> commit() override {
    committed = true;
    return {};
  }
  void abandon() override { abandoned = true; }

  void fail(const std::string& file, Outlook outlook, int times = 1,
            std::optional<seconds> retry_after = std::nullopt) {
    for (int i = 0; i < times; ++i) {
      SendFailure failure(Failure(ErrorCode::io, "broken"), outlook);
      failure.retry_after = retry_after;
      failures[file].push_back(std::move(failure));
    }
  }

  std::map<std::string, std::vector<SendFailure>> failures;
  std::vector<std::string> arrived;
  unsigned sends = 0;
  bool committed = false;
  bool abandoned = false;
};

class UploadTest : public DumpTest {
 protected:
  SendOutcome<UploadReport> upload() {
    options.random = [] { return 0.5; };
    return upload_dump(dump, destination, options, progress, clock);
  }

  MemoryDestination destination;
  UploadOptions options;
  RecordedProgress progress;
  VirtualClock clock;
};

class BytesInMemory final : public ByteSource {
 public:
  explicit BytesInMemory(std::string text) : text_(std::move(text)) {}

  Outcome<std::size_t> read(ByteCount offset, std::span<std::byte> target) const override {
    const auto bytes = std::as_bytes(std::span(text_));
    if (offset >= bytes.size()) return std::size_t{0};
    const auto part = bytes.subspan(offset, std::min<std::size_t>(target.size(), bytes.size() - offset));
    std::copy(part.begin(), part.end(), target.begin());
    return part.size();
  }

 private:
  std::string text_;
};

TEST_F(UploadTest, a_streamed_file_goes_with_those_of_the_directory) {
  const BytesInMemory image(std::string(3'000'000, 'm'));
  options.streamed = {{"dump.warmdump", 3'000'000, &image}};
  const test::TemporaryDirectory target;
  const auto directory = make_destination("dir:" + target.path().string(), {});
  ASSERT_TRUE(directory.has_value());
  const auto report = upload_dump(dump, **directory, options, progress, clock);
  ASSERT_TRUE(report.has_value()) << report.error().failure.message;
  const auto sent = target / dump.filename();
  EXPECT_EQ(read_file(sent / "dump.warmdump"), std::string(3'000'000, 'm'));
  EXPECT_TRUE(same_bytes(sent / "vmcore", dump / "vmcore"));
  ASSERT_THAT(report->receipt.files, SizeIs(4));
  EXPECT_EQ(report->receipt.files.back().name, "meta.json");
  EXPECT_FALSE(std::filesystem::exists(dump / "dump.warmdump"));
}

TEST_F(UploadTest, a_stream_that_ends_early_is_told) {
  const BytesInMemory image("short");
  options.streamed = {{"dump.warmdump", 3'000'000, &image}};
  const auto report = upload();
  ASSERT_FALSE(report.has_value());
  EXPECT_EQ(report.error().failure.code, ErrorCode::corrupt);
  EXPECT_THAT(report.error().failure.message, HasSubstr("dump.warmdump: ends early, at offset 0x5"));
}

TEST_F(UploadTest, SendsInOrderAndWritesAReceipt) {
  const auto report = upload();
  ASSERT_TRUE(report.has_value());
  EXPECT_THAT(destination.arrived, ElementsAre("vmcore-dmesg.txt", "vmcore", "meta.json"));
  EXPECT_TRUE(destination.committed);
  EXPECT_EQ(report->attempts, 3u);
  EXPECT_EQ(report->receipt.time, "2019-12-20T00:00:00Z");
  EXPECT_THAT(read_file(dump / "upload-receipt.json"), HasSubstr("memory:"));
  EXPECT_THAT(progress.stages, ElementsAre("checking", "sending"));
  EXPECT_THAT(clock.waits, IsEmpty());
}

TEST_F(UploadTest, IsNotSentTwiceUnlessAskedOrChanged) {
  ASSERT_TRUE(upload().has_value());
  EXPECT_EQ(upload()->result, UploadResult::receipt_found);
  EXPECT_EQ(destination.sends, 3u);
  options.again = true;
  EXPECT_EQ(upload()->result, UploadResult::sent);
  EXPECT_EQ(destination.sends, 6u);
  options.again = false;
  write_file(dump / "vmcore", "other pages");
  EXPECT_EQ(upload()->result, UploadResult::sent);
  EXPECT_EQ(destination.sends, 9u);
}

TEST_F(UploadTest, TemporaryFailuresAreRetriedWithGrowingWaits) {
  destination.fail("vmcore", Outlook::temporary, 3);
  destination.fail("meta.json", Outlook::temporary, 1);
  const auto report = upload();
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->attempts, 7u);
  EXPECT_THAT(clock.waits, ElementsAre(std::chrono::milliseconds(500), seconds(1), seconds(2),
                                       std::chrono::milliseconds(500)));
  EXPECT_THAT(progress.notes, SizeIs(4));
  EXPECT_THAT(progress.notes[1], HasSubstr("broken; vmcore: attempt 3 of 5 in 1.0 s"));
}

TEST_F(UploadTest, GivesUpAfterItsAttempts) {
  destination.fail("vmcore", Outlook::temporary, 5);
  const auto report = upload();
  ASSERT_FALSE(report.has_value());
  EXPECT_EQ(report.error().outlook, Outlook::temporary);
  EXPECT_THAT(report.error().failure.message, HasSubstr("gave up after 5 attempts"));
  EXPECT_THAT(clock.waits, SizeIs(4));
  EXPECT_TRUE(destination.abandoned);
  EXPECT_FALSE(destination.committed);
  EXPECT_FALSE(std::filesystem::exists(dump / "upload-receipt.json"));
}

TEST_F(UploadTest, PermanentFailuresEndAtOnce) {
  destination.fail("vmcore-dmesg.txt", Outlook::permanent);
  const auto report = upload();
  ASSERT_FALSE(report.has_value());
  EXPECT_EQ(report.error().outlook, Outlook::permanent);
  EXPECT_EQ(destination.sends, 1u);
  EXPECT_THAT(clock.waits, IsEmpty());
}

TEST_F(UploadTest, RetryAfterIsHonouredUpToItsPatience) {
  destination.fail("vmcore", Outlook::temporary, 1, seconds(100));
  ASSERT_TRUE(upload().has_value());
  EXPECT_THAT(clock.waits, ElementsAre(seconds(105)));

  options.again = true;
  destination.fail("vmcore", Outlook::temporary, 1, seconds(3600));
  const auto report = upload();
  ASSERT_FALSE(report.has_value());
  EXPECT_EQ(report.error().outlook, Outlook::temporary);
  EXPECT_THAT(report.error().failure.message, HasSubstr("come back in 3600 s"));
}

}  // namespace
}  // namespace warmdump
