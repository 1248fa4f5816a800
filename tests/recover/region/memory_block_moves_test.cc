#include "recover/region/memory_block_moves.h"

#include <gmock/gmock.h>

#include <cerrno>
#include <functional>

namespace warmdump::test {
namespace {

using testing::HasSubstr;

constexpr std::uint64_t kFirst = 36;
constexpr BlockRange kRange{.start = 0x11fe00000 + 2 * kMiB, .size = 256 * kMiB};

// Two blocks that follow the kernel's rules, a clock that goes on by itself, and agents that interfere.
class Blocks final : public MemoryBlockTable {
 public:
  std::vector<MemoryBlock> all{{.number = kFirst, .online = false, .zone = ""},
                               {.number = kFirst + 1, .online = false, .zone = ""}};
  std::function<int(const MemoryBlock&, const std::string&)> refuse = [](const auto&, const auto&) {
    return 0;
  };
  std::function<void(Blocks&)> agent = [](Blocks&) {};  // acts whenever time passes
  std::vector<std::string> requests;
  mutable std::uint64_t time_ms = 0;

  ByteCount block_size() const override { return 128 * kMiB; }
  std::vector<MemoryBlock> blocks(PhysicalAddress start, ByteCount size) const override {
    EXPECT_EQ(start, kRange.start);
    EXPECT_EQ(size, kRange.size);
    return all;
  }
  int set_state(std::uint64_t number, const char* state, std::uint64_t) override {
    requests.push_back(std::to_string(number) + " " + state);
    ++time_ms;
    MemoryBlock& block = all.at(number - kFirst);
    if (const int code = refuse(block, state); code != 0) return code;
    const bool online = std::string(state) != kOffline;
    if (block.online == online) return EINVAL;
    block.online = online;
    block.zone = online ? kMovableZone : "";
    return 0;
  }
  std::uint64_t now_ms() const override { return time_ms; }
  void sleep_ms(std::uint64_t milliseconds) override {
    time_ms += milliseconds;
    agent(*this);
  }
  void bring_all(const std::string& zone) {
    for (MemoryBlock& block : all) block = {.number = block.number, .online = true, .zone = zone};
  }
};

TEST(BringOnlineMovable, offline_blocks_come_online_movable) {
  Blocks blocks;
  ASSERT_TRUE(bring_online_movable(blocks, kRange, 1000));
  for (const MemoryBlock& block : blocks.all) EXPECT_TRUE(block.is_movable());
}

TEST(BringOnlineMovable, nothing_is_asked_when_another_agent_has_done_it) {
  Blocks blocks;
  blocks.bring_all("Movable");
  ASSERT_TRUE(bring_online_movable(blocks, kRange, 1000));
  EXPECT_TRUE(blocks.requests.empty());
}

TEST(BringOnlineMovable, blocks_of_another_zone_are_taken_there_first) {
  Blocks blocks;
  blocks.bring_all("Normal");
  ASSERT_TRUE(bring_online_movable(blocks, kRange, 1000));
  EXPECT_THAT(blocks.requests,
              testing::ElementsAre("36 offline", "36 online_movable", "37 offline", "37 online_movable"));
}

TEST(BringOnlineMovable, whoever_is_faster_is_no_error) {
  Blocks blocks;
  blocks.refuse = [&](const MemoryBlock& block, const std::string&) {
    blocks.all.at(block.number - kFirst) = {.number = block.number, .online = true, .zone = "Movable"};
    return EINVAL;
  };
  EXPECT_TRUE(bring_online_movable(blocks, kRange, 1000));
}

TEST(BringOnlineMovable, a_busy_block_is_tried_again) {
  Blocks blocks;
  blocks.bring_all("Normal");
  int busy = 3;
  blocks.refuse = [&](const MemoryBlock&, const std::string& state) {
    return state == kOffline && busy-- > 0 ? EBUSY : 0;
  };
  EXPECT_TRUE(bring_online_movable(blocks, kRange, 1000));
}

TEST(BringOnlineMovable, an_agent_that_undoes_it_each_time_is_given_up_on_in_time) {
  Blocks blocks;
  blocks.bring_all("Normal");
  blocks.refuse = [&](const MemoryBlock& block, const std::string& state) {
    if (state != kOffline) return 0;
    blocks.all.at(block.number - kFirst) = {.number = block.number, .online = true, .zone = "Normal"};
    return EBUSY;
  };
  const auto moved = bring_online_movable(blocks, kRange, 1000);
  ASSERT_FALSE(moved);
  EXPECT_EQ(moved.error().code, ErrorCode::refused);
  EXPECT_THAT(moved.error().message, HasSubstr("memory36 is online in zone Normal"));
  EXPECT_LT(blocks.time_ms, 1200U);
}

TEST(BringOnlineMovable, a_region_without_blocks_is_said) {
  Blocks blocks;
  blocks.all.clear();
  EXPECT_EQ(bring_online_movable(blocks, kRange, 1000).error().code, ErrorCode::not_found);
}

TEST(TakeOffline, every_block_goes) {
  Blocks blocks;
  blocks.bring_all("Movable");
  ASSERT_TRUE(take_offline(blocks, kRange, 1000));
  for (const MemoryBlock& block : blocks.all) EXPECT_FALSE(block.online);
  blocks.requests.clear();
  ASSERT_TRUE(take_offline(blocks, kRange, 1000));
  EXPECT_TRUE(blocks.requests.empty());
}

TEST(TakeOffline, what_was_taken_comes_back_when_another_block_resists) {
  struct Row {
    const char* zone;
    int system_errno;
    ErrorCode code;
    const char* says;
  };
  const Row rows[] = {{"Movable", EBUSY, ErrorCode::timed_out, "cannot be moved now"},
                      {"Movable", EINTR, ErrorCode::timed_out, "not done in time"},
                      {"Movable", ENOMEM, ErrorCode::timed_out, "Cannot allocate memory"},
                      {"Normal", EBUSY, ErrorCode::busy, "reboot"},
                      {"none", EINVAL, ErrorCode::busy, "several zones"}};
  for (const Row& row : rows) {
    Blocks blocks;
    blocks.bring_all("Movable");
    blocks.all[1].zone = row.zone;
    blocks.refuse = [&](const MemoryBlock& block, const std::string&) {
      return block.number == kFirst + 1 ? row.system_errno : 0;
    };
    const auto taken = take_offline(blocks, kRange, 2000);
    ASSERT_FALSE(taken) << row.says;
    EXPECT_EQ(taken.error().code, row.code) << row.says;
    EXPECT_THAT(taken.error().message, HasSubstr("memory37"));
    EXPECT_THAT(taken.error().message, HasSubstr("within 2 s"));
    EXPECT_THAT(taken.error().message, HasSubstr(row.says));
    EXPECT_TRUE(blocks.all[0].is_movable()) << "as it was";
    EXPECT_TRUE(blocks.all[1].online);
    EXPECT_LT(blocks.time_ms, 2300U);
  }
}

TEST(TakeOffline, a_block_that_empties_late_is_waited_for) {
  Blocks blocks;
  blocks.bring_all("Movable");
  blocks.refuse = [&](const MemoryBlock&, const std::string&) { return blocks.time_ms < 1500 ? EBUSY : 0; };
  EXPECT_TRUE(take_offline(blocks, kRange, 2000));
}

TEST(TakeOffline, an_agent_that_brings_it_online_again_is_named_as_the_reason) {
  Blocks blocks;
  blocks.bring_all("Movable");
  int looks = 0;
  // The kernel says yes each time, and the agent is there before anybody looks.
  class Watched final : public MemoryBlockTable {
   public:
    Blocks& inner;
    int& looks;
    Watched(Blocks& blocks, int& count) : inner(blocks), looks(count) {}
    ByteCount block_size() const override { return inner.block_size(); }
    std::vector<MemoryBlock> blocks(PhysicalAddress start, ByteCount size) const override {
      if (++looks % 2 == 0) inner.bring_all("Movable");
      return inner.blocks(start, size);
    }
    int set_state(std::uint64_t, const char*, std::uint64_t) override { return 0; }
    std::uint64_t now_ms() const override { return inner.now_ms(); }
    void sleep_ms(std::uint64_t milliseconds) override { inner.sleep_ms(milliseconds); }
  } watched(blocks, looks);
  const auto taken = take_offline(watched, kRange, 1000);
  ASSERT_FALSE(taken);
  EXPECT_THAT(taken.error().message, HasSubstr("something else changes it each time"));
}

}  // namespace
}  // namespace warmdump::test
