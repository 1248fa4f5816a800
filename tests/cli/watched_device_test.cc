#include "cli/watched_device.h"

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

std::string shown_while_reading(ByteCount size) {
  testing::internal::CaptureStderr();
  const Zeros zeros(size);
  const WatchedDevice watched(zeros, "reading", size);
  std::vector<std::byte> buffer(kMiB);
  for (ByteCount offset = 0; offset < size; offset += buffer.size()) {
    EXPECT_TRUE(watched.read_at(offset, buffer));
    EXPECT_TRUE(watched.read_at(0, buffer));  // no step back
  }
  watched.finish();
  EXPECT_TRUE(watched.read_at(0, buffer));
  return testing::internal::GetCapturedStderr();
}

TEST(WatchedDevice, tells_of_each_tenth_where_there_is_no_terminal) {
  const std::string shown = shown_while_reading(200 * kMiB);
  EXPECT_EQ(std::count(shown.begin(), shown.end(), '\n'), 1 + 9 + 1) << shown;
  EXPECT_THAT(shown, testing::HasSubstr("reading    50 % 100.0 MiB of 200.0 MiB"));
}

TEST(WatchedDevice, says_nothing_of_work_that_is_not_long) {
  EXPECT_EQ(shown_while_reading(16 * kMiB), "");
}

TEST(WatchedDevice, writes_nothing) {
  const Zeros zeros(kMiB);
  WatchedDevice watched(zeros, "reading", kMiB);
  EXPECT_FALSE(watched.write_at(0, {}));
}

}  // namespace
}  // namespace warmdump
