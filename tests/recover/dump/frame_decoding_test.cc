#include "recover/dump/frame_decoding.h"

#include <gmock/gmock.h>

#include <atomic>
#include <memory>
#include <new>
#include <set>
#include <thread>

namespace warmdump {
namespace {

using dump_format::FrameHeader;
using testing::SizeIs;

FrameLocation frame_number(std::uint64_t number) {
  FrameLocation frame;
  frame.offset = number;
  return frame;
}

std::vector<std::byte> payload_of(std::uint8_t number, std::size_t size) {
  return std::vector<std::byte>(size, std::byte{number});
}

Result<FrameContent> first_byte(std::span<const std::byte> stored) {
  const auto byte = std::to_integer<std::uint32_t>(stored.front());
  if (byte % 5 == 3) return Error::make(ErrorCode::corrupt, "damaged");
  return FrameContent(ClassMapContent{byte, static_cast<std::uint32_t>(stored.size())});
}

class FrameDecodingWith : public testing::TestWithParam<unsigned> {};

INSTANTIATE_TEST_SUITE_P(Threads, FrameDecodingWith, testing::Values(0, 1, 2, 3, 8, 100));

TEST_P(FrameDecodingWith, hands_out_every_frame_once_in_the_order_they_came) {
  std::size_t next = 0;
  FrameDecoding decoding(
      GetParam(), [] { return [](const FrameHeader&, auto stored) { return first_byte(stored); }; },
      [&next](const FrameLocation& frame, const Result<FrameContent>& content) {
        ASSERT_EQ(frame.offset, next);
        ASSERT_EQ(content.has_value(), next % 5 != 3);
        if (content) {
          const auto& map = std::get<ClassMapContent>(*content);
          EXPECT_EQ(map.first_pfn, next);
          EXPECT_EQ(map.pfn_count, 1 + next * 37 % 5000);
        }
        ++next;
      });
  for (std::uint8_t number = 0; number < 250; ++number) {
    auto stored = payload_of(number, 1 + number * std::size_t{37} % 5000);
    decoding.add(frame_number(number), stored);
    std::fill(stored.begin(), stored.end(), std::byte{0xff});
  }
  decoding.finish();
  EXPECT_EQ(next, 250);
}

TEST_P(FrameDecodingWith, has_few_frames_under_way) {
  std::atomic<std::size_t> decoded = 0;
  std::size_t taken = 0;
  FrameDecoding decoding(
      GetParam(),
      [&] {
        return [&](const FrameHeader&, auto stored) {
          ++decoded;
          return first_byte(stored);
        };
      },
      [&](const FrameLocation&, const auto&) { ++taken; });
  for (std::size_t number = 0; number < 200; ++number) {
    decoding.add(frame_number(number), payload_of(1, 64));
    EXPECT_LE(number + 1 - taken, 16);
    EXPECT_LE(taken, decoded.load());
  }
  decoding.finish();
  EXPECT_EQ(decoded, 200);
}

TEST_P(FrameDecodingWith, throws_in_the_caller_what_a_thread_threw) {
  std::size_t taken = 0;
  FrameDecoding decoding(
      GetParam(),
      [] {
        return [](const FrameHeader&, auto stored) -> Result<FrameContent> {
          if (stored.size() == 2) throw std::bad_alloc();
          return first_byte(stored);
        };
      },
      [&](const FrameLocation&, const auto&) { ++taken; });
  const auto decode_all = [&] {
    for (std::size_t number = 0; number < 40; ++number)
      decoding.add(frame_number(number), payload_of(1, number == 30 ? 2 : 1));
    decoding.finish();
  };
  EXPECT_THROW(decode_all(), std::bad_alloc);
  EXPECT_EQ(taken, 30);
}

TEST(FrameDecoding, makes_a_decoder_for_each_thread_and_uses_it_there_alone) {
  std::vector<std::shared_ptr<std::set<std::thread::id>>> users;
  {
    FrameDecoding decoding(
        4,
        [&] {
          users.push_back(std::make_shared<std::set<std::thread::id>>());
          return [own = users.back()](const FrameHeader&, auto stored) {
            own->insert(std::this_thread::get_id());
            return first_byte(stored);
          };
        },
        [](const FrameLocation&, const auto&) {});
    for (std::size_t number = 0; number < 500; ++number)
      decoding.add(frame_number(number), payload_of(1, 64));
    decoding.finish();
  }
  EXPECT_THAT(users, SizeIs(4));
  for (const auto& threads : users) EXPECT_LE(threads->size(), 1);
}

TEST(FrameDecoding, given_up_in_the_middle_ends) {
  FrameDecoding decoding(
      3, [] { return [](const FrameHeader&, auto stored) { return first_byte(stored); }; },
      [](const FrameLocation&, const auto&) {});
  for (std::size_t number = 0; number < 5; ++number) decoding.add(frame_number(number), payload_of(1, 64));
}

}  // namespace
}  // namespace warmdump
