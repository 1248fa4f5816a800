// What FrameEncoder stores, PayloadDecoder must give back byte for byte; and what somebody made of it since
// must never hurt.

#include "capture/writer/frame_encoder.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <numeric>
#include <random>
#include <string>

#include "common/dump_format/frame.h"
#include "recover/dump/frame_payload.h"

namespace warmdump {
namespace {

using dump_format::Codec;
using Bytes = std::vector<std::byte>;
using Random = std::mt19937_64;

constexpr std::size_t kLine = dump_format::kLineSize;

Bytes random_bytes(std::size_t size, Random& random) {
  Bytes bytes(size);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
  return bytes;
}

Bytes front(const Bytes& bytes, std::size_t size) {
  return Bytes(bytes.data(), bytes.data() + size);
}

void put_word(Bytes& bytes, std::size_t offset, std::uint64_t word) {
  std::memcpy(bytes.data() + offset, &word, std::min<std::size_t>(sizeof(word), bytes.size() - offset));
}

// Objects of `size` bytes as the kernel keeps them: a flag, a counter, an empty list, two pointers, a number
// of 32 bits, the rest zero.
Bytes objects(std::size_t count, std::size_t size, Random& random) {
  Bytes bytes(count * size);
  const std::uint64_t start = 0xffff'8881'0420'0000;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t at = i * size;
    const std::uint64_t words[] = {random() % 4,
                                   i,
                                   start + at + 16,
                                   start + at + 16,
                                   start + random() % (1U << 26),
                                   0xffff'ffff'8120'0000 + random() % 512 * 64,
                                   random() >> 40};
    for (std::size_t k = 0; k < std::size(words) && 8 * k < size; ++k) put_word(bytes, at + 8 * k, words[k]);
  }
  return bytes;
}

class FrameEncoding : public testing::Test {
 protected:
  Bytes encode(const Bytes& raw) {
    Bytes stored(FrameEncoder::bound(raw.size()));
    const auto encoded = encoder_->encode(raw, stored);
    codec_ = encoded.codec;
    stored.resize(encoded.size);
    return stored;
  }

  Result<std::span<const std::byte>> decode(const Bytes& stored, std::size_t raw_size) {
    return decoder_.decode(dump_format::make_frame_header(dump_format::FrameType::pages, codec_, 0,
                                                          std::array<const unsigned char, 8>{}, stored,
                                                          static_cast<std::uint32_t>(raw_size)),
                           stored);
  }

  // Encodes and decodes; returns the stored size.
  std::size_t round_trip(const Bytes& raw) {
    const Bytes stored = encode(raw);
    const auto decoded = decode(stored, raw.size());
    EXPECT_TRUE(decoded.has_value());
    EXPECT_TRUE(decoded.has_value() && std::ranges::equal(*decoded, raw)) << raw.size() << " bytes";
    EXPECT_LE(stored.size(), raw.size());
    return stored.size();
  }

  std::unique_ptr<FrameEncoder> encoder_ = std::make_unique<FrameEncoder>();
  PayloadDecoder decoder_;
  Codec codec_ = Codec::stored;
  Random random_{42};
};

TEST_F(FrameEncoding, EverySizeComesBack) {
  const Bytes payload = objects(64, 104, random_);
  for (std::size_t size = 0; size < 600; ++size) round_trip(front(payload, size));
  for (const std::size_t size :
       std::vector<std::size_t>{4096, 4104, 65535, 1 << 20, dump_format::kFrameRawSizeMax}) {
    round_trip(front(objects(size / 104 + 1, 104, random_), size));
  }
}

TEST_F(FrameEncoding, RecordsOfEverySizeShrinkToAFraction) {
  for (const std::size_t size :
       std::vector<std::size_t>{8, 16, 56, 64, 72, 96, 104, 128, 192, 256, 632, 1024, 1088, 2048}) {
    const Bytes payload = objects((std::size_t{1} << 19) / size, size, random_);
    const std::size_t stored = round_trip(payload);
    EXPECT_EQ(codec_, Codec::lines);
    EXPECT_LT(stored, payload.size() / 2) << "records of " << size << " bytes";
  }
}

TEST_F(FrameEncoding, ZerosAndRepetitionsTakeNextToNothing) {
  EXPECT_LT(round_trip(Bytes(1 << 20)), 200U);
  for (const std::size_t period : std::vector<std::size_t>{1, 3, 8, 24, 64, 100, 4096, 5000, 65536}) {
    const Bytes seed = random_bytes(period, random_);
    Bytes payload(std::size_t{1} << 20);
    for (std::size_t i = 0; i < payload.size(); ++i) payload[i] = seed[i % period];
    // A repetition is seen at the distance of whole lines.
    EXPECT_LT(round_trip(payload), std::lcm(period, kLine) + 6000) << "period " << period;
  }
}

TEST_F(FrameEncoding, OneByteAmongZerosComesBackWhereverItStands) {
  for (std::size_t at = 0; at < 4096; ++at) {
    Bytes payload(4104);
    payload[at] = static_cast<std::byte>(1 + at % 255);
    EXPECT_LT(round_trip(payload), 128U);
  }
}

TEST_F(FrameEncoding, WhatDoesNotCompressIsStored) {
  for (const std::size_t size : std::vector<std::size_t>{1, 63, 64, 4096, 4104, 1 << 20}) {
    const Bytes payload = random_bytes(size, random_);
    EXPECT_EQ(round_trip(payload), size);
    EXPECT_EQ(codec_, Codec::stored);
  }
}

TEST_F(FrameEncoding, RandomPagesAmongOthersAreNotSqueezed) {
  Bytes payload = objects(4096, 64, random_);
  const Bytes noise = random_bytes(std::size_t{256} << 10, random_);
  payload.insert(payload.begin() + 8192, noise.begin(), noise.end());
  const std::size_t stored = round_trip(payload);
  EXPECT_EQ(codec_, Codec::lines);
  EXPECT_GE(stored, noise.size());
  EXPECT_LT(stored, noise.size() + 70'000);
}

TEST_F(FrameEncoding, TextShrinks) {
  std::string text;
  while (text.size() < 300'000) text += "[ " + std::to_string(random_() % 1000) + "] usb 1-1: new device\n";
  const auto bytes = std::as_bytes(std::span(text));
  EXPECT_LT(round_trip(Bytes(bytes.begin(), bytes.end())), text.size() / 4);
}

// Differences at the edge of every width, forwards and backwards, and sums that overflow.
TEST_F(FrameEncoding, DifferencesOfEveryWidthComeBack) {
  std::vector<std::uint64_t> edges = {0};
  for (const int bits : {6, 7, 8, 15, 16, 17, 31, 32, 33, 47, 48, 63}) {
    for (const std::int64_t near : {-1, 0, 1}) {
      const std::uint64_t edge = (std::uint64_t{1} << bits) + static_cast<std::uint64_t>(near);
      edges.push_back(edge);
      edges.push_back(-edge);
    }
  }
  for (const std::size_t changed_words : std::vector<std::size_t>{1, 2, 3, 4, 8}) {
    Bytes payload = random_bytes(kLine, random_);
    for (int i = 0; i < 4000; ++i) {
      Bytes line(payload.end() - kLine, payload.end());
      for (std::size_t k = 0; k < changed_words; ++k) {
        std::uint64_t word;
        const std::size_t at = random_() % 8 * sizeof(word);
        std::memcpy(&word, line.data() + at, sizeof(word));
        put_word(line, at, word + edges[random_() % edges.size()]);
      }
      payload.insert(payload.end(), line.begin(), line.end());
    }
    round_trip(payload);
  }
}

// Lines copied, changed and shuffled without any sense: every way a line can be told, in every order.
TEST_F(FrameEncoding, MixturesComeBack) {
  for (int round = 0; round < 60; ++round) {
    const std::size_t line_count = 1 + random_() % 3000;
    Bytes payload(random_() % kLine + line_count * kLine);
    const std::size_t head = payload.size() % kLine;
    for (std::size_t i = 0; i < line_count; ++i) {
      std::byte* line = payload.data() + head + i * kLine;
      const std::byte* earlier = i == 0 ? line : line - (1 + random_() % i) * kLine;
      switch (random_() % 6) {
        case 0:
          break;
        case 1:
          std::memcpy(line, earlier, kLine);
          break;
        case 2:
          std::ranges::copy(random_bytes(kLine, random_), line);
          break;
        case 3:
          for (std::size_t k = 0; k < kLine; k += 8 * (1 + random_() % 4)) line[k] = std::byte{1};
          break;
        default:
          std::memcpy(line, earlier, kLine);
          for (int k = 0; k < 3; ++k) line[random_() % kLine] ^= static_cast<std::byte>(random_());
      }
    }
    round_trip(payload);
  }
}

TEST_F(FrameEncoding, TruncatedAnywhereItIsRefused) {
  Bytes payload = objects(200, 96, random_);
  const Bytes noise = random_bytes(8192, random_);
  payload.insert(payload.end(), noise.begin(), noise.end());
  const Bytes stored = encode(payload);
  ASSERT_EQ(codec_, Codec::lines);
  for (std::size_t size = 0; size < stored.size(); ++size) {
    EXPECT_FALSE(decode(front(stored, size), payload.size()).has_value());
  }
  EXPECT_FALSE(decode(stored, payload.size() - 1).has_value());
  EXPECT_FALSE(decode(stored, payload.size() + kLine).has_value());
}

// No checksum stands between the flips and the decoder here: under the sanitizers none may go astray.
TEST_F(FrameEncoding, FlippedBitsNeverHurt) {
  Bytes payload = objects(400, 96, random_);
  const Bytes noise = random_bytes(8192, random_);
  payload.insert(payload.end(), noise.begin(), noise.end());
  const Bytes stored = encode(payload);
  ASSERT_EQ(codec_, Codec::lines);
  for (int i = 0; i < 20'000; ++i) {
    Bytes damaged = stored;
    const std::size_t range = i % 2 == 0 ? sizeof(dump_format::LinesPrefix) : damaged.size();
    for (int flips = 1 + i % 3; flips > 0; --flips) {
      damaged[random_() % range] ^= static_cast<std::byte>(1U << random_() % 8);
    }
    const auto decoded = decode(damaged, payload.size());
    EXPECT_TRUE(!decoded.has_value() || decoded->size() == payload.size());
  }
}

}  // namespace
}  // namespace warmdump
