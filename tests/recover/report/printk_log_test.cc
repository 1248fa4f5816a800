#include "recover/report/printk_log.h"

#include <gmock/gmock.h>

#include <random>

#include "tests/support/printk_ring_builder.h"

namespace warmdump {
namespace {

using test::PrintkRingBuilder;
using testing::HasSubstr;

class PrintkLogTest : public testing::Test {
 protected:
  PrintkLog decode(PrintkRingBuilder& ring) {
    auto log = decode_printk_log(ring.memory(), Vmcoreinfo(keys_));
    EXPECT_TRUE(log) << log.error().message;
    return log ? std::move(*log) : PrintkLog();
  }

  std::string keys_ = PrintkRingBuilder::vmcoreinfo();
};

TEST_F(PrintkLogTest, RecordsComeInOrderWithTheirTime) {
  PrintkRingBuilder ring(4, 12);
  ring.add("Linux version 6.1.0", 0);
  ring.add("second", 1'234'567'890);
  ring.add("late", 123'456'000'001'000);
  EXPECT_EQ(format_printk_log(decode(ring)),
            "[    0.000000] Linux version 6.1.0\n"
            "[    1.234567] second\n"
            "[123456.000001] late\n");
}

TEST_F(PrintkLogTest, LinesOfOneRecordStayAndUnprintableBytesAreEscaped) {
  PrintkRingBuilder ring(4, 12);
  ring.add("one\ntwo\x1b[31m\x80\tend", 5'000'000'000);
  EXPECT_EQ(format_printk_log(decode(ring)),
            "[    5.000000] one\n"
            "two\\x1b[31m\\x80\tend\n");
}

TEST_F(PrintkLogTest, RingThatWentRoundManyTimesHoldsTheNewestRecords) {
  for (const std::uint64_t first_id : {std::uint64_t{0}, (std::uint64_t{1} << 62) - 50}) {
    PrintkRingBuilder ring(4, 9, first_id);
    for (int number = 0; number < 200; ++number) ring.add("record " + std::to_string(number));
    const PrintkLog log = decode(ring);
    ASSERT_EQ(log.records.size(), 16);
    for (std::size_t index = 0; index < 16; ++index) {
      EXPECT_EQ(log.records[index].text, "record " + std::to_string(184 + index));
    }
    EXPECT_EQ(log.lost, 0);
  }
}

TEST_F(PrintkLogTest, TextThatDidNotFitBeforeTheEndLiesAtTheStart) {
  PrintkRingBuilder ring(4, 8);
  ring.set_position(256 - 16);
  ring.add("longer than eight bytes");
  const PrintkLog log = decode(ring);
  ASSERT_EQ(log.records.size(), 1);
  EXPECT_EQ(log.records[0].text, "longer than eight bytes");
}

TEST_F(PrintkLogTest, BlockThatEndsExactlyWithTheRingIsReadInPlace) {
  PrintkRingBuilder ring(4, 8);
  ring.set_position(256 - 16);
  ring.add("eight by");
  ASSERT_EQ(ring.position(), 256);
  const PrintkLog log = decode(ring);
  ASSERT_EQ(log.records.size(), 1);
  EXPECT_EQ(log.records[0].text, "eight by");
}

TEST_F(PrintkLogTest, ReservedFailedAndEmptyRecordsAreToldApart) {
  PrintkRingBuilder ring(4, 12);
  ring.add("first");
  ring.add_failed();
  ring.add_empty(2'000'000'000);
  ring.add_reserved("half writ");
  ring.add("last");
  const PrintkLog log = decode(ring);
  EXPECT_EQ(format_printk_log(log),
            "[    0.000000] first\n[    0.000000] \n[    2.000000] \n[    0.000000] last\n");
  EXPECT_EQ(log.lost, 1);
  EXPECT_EQ(log.unfinished, 1);
}

TEST_F(PrintkLogTest, OverwrittenTextIsLostNotWrong) {
  PrintkRingBuilder ring(6, 8);  // 64 descriptors, text for about 10 records
  for (int number = 0; number < 40; ++number) ring.add("record " + std::to_string(number));
  const PrintkLog log = decode(ring);
  EXPECT_GT(log.lost, 0);
  ASSERT_EQ(log.records.size(), 40);
  std::uint64_t without_text = 0;
  for (const PrintkRecord& record : log.records) {
    without_text += record.text_lost ? 1 : 0;
    EXPECT_EQ(record.text, record.text_lost ? "" : "record " + std::to_string(record.sequence));
  }
  EXPECT_EQ(log.lost, without_text);
}

TEST_F(PrintkLogTest, MissingKeysAndMemoryAreNamed) {
  PrintkRingBuilder ring(4, 12);
  ring.add("text");
  const PrintkMemory memory = ring.memory();
  EXPECT_THAT(decode_printk_log(memory, Vmcoreinfo("OSRELEASE=5.4\n")).error().message,
              HasSubstr("OFFSET(printk_ringbuffer.desc_ring)"));
  EXPECT_EQ(decode_printk_log({memory.ring, memory.descs, memory.infos, {}}, Vmcoreinfo(keys_)).error().code,
            ErrorCode::not_found);
  std::string broken(memory.ring);
  broken[0] = 63;
  EXPECT_EQ(
      decode_printk_log({broken, memory.descs, memory.infos, memory.text}, Vmcoreinfo(keys_)).error().code,
      ErrorCode::corrupt);
}

TEST_F(PrintkLogTest, CutAndScrambledMemoryNeverBreaksTheDecoder) {
  PrintkRingBuilder ring(5, 10);
  for (int number = 0; number < 50; ++number) ring.add("record " + std::to_string(number));
  ring.memory();
  std::mt19937 random(7);
  for (int round = 0; round < 5000; ++round) {
    std::string pieces[] = {ring.ring, ring.descs, ring.infos, ring.text};
    for (std::string& piece : pieces) {
      if (random() % 4 == 0) piece.resize(random() % (piece.size() + 1));
      for (unsigned flips = random() % 4; flips > 0 && !piece.empty(); --flips) {
        piece[random() % piece.size()] ^= static_cast<char>(1U << random() % 8);
      }
    }
    const auto log = decode_printk_log({pieces[0], pieces[1], pieces[2], pieces[3]}, Vmcoreinfo(keys_));
    if (log) format_printk_log(*log);
  }
}

}  // namespace
}  // namespace warmdump
