#include "recover/watched_reads.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <vector>

namespace warmdump {
namespace {

class Zeros final : public Device {
 public:
  explicit Zeros(ByteCount size) : size_(size) {}
  ByteCount size() const override { return size_; }
  Result<void> read_at(ByteCount, std::span<std::byte> target) const override {
    std::fill(target.begin(), target.end(), std::byte{0});
    return {};
  }
  Result<void> write_at(ByteCount, std::span<const std::byte>) override { return {}; }
  Result<void> persist() override { return {}; }

 private:
  ByteCount size_;
};

std::vector<ByteCount> told_while_reading(ByteCount size) {
  std::vector<ByteCount> told;
  const Zeros zeros(size);
  const WatchedReads watched(zeros, size, [&](ByteCount done, ByteCount total) {
    EXPECT_EQ(total, size);
    told.push_back(done);
  });
  std::vector<std::byte> buffer(kMiB);
  for (ByteCount offset = 0; offset < size; offset += buffer.size()) {
    EXPECT_TRUE(watched.read_at(offset, buffer));
    EXPECT_TRUE(watched.read_at(0, buffer));  // no step back
  }
  watched.finish();
  EXPECT_TRUE(watched.read_at(0, buffer));
  return told;
}

TEST(WatchedReads, tells_how_far_it_is_and_the_end_once) {
  const auto told = told_while_reading(200 * kMiB);
  EXPECT_TRUE(std::is_sorted(told.begin(), told.end()));
  EXPECT_EQ(std::count(told.begin(), told.end(), 200 * kMiB), 1);
  EXPECT_THAT(told, testing::Contains(100 * kMiB));
}

TEST(WatchedReads, says_nothing_of_work_that_is_not_long) {
  EXPECT_TRUE(told_while_reading(16 * kMiB).empty());
}

TEST(WatchedReads, writes_nothing) {
  const Zeros zeros(kMiB);
  WatchedReads watched(zeros, kMiB, {});
  EXPECT_FALSE(watched.write_at(0, {}));
}

}  // namespace
}  // namespace warmdump
