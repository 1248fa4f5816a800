#include "recover/spool/retention.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

namespace warmdump::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

SavedDump dump(const std::string& id, const std::string& signature, ByteCount bytes = 1) {
  SavedDump dump;
  dump.directory = "/spool/" + id;
  dump.id = id;
  dump.signature = signature;
  dump.bytes = bytes;
  return dump;
}

std::vector<std::string> removed(const std::vector<SavedDump>& dumps, const RetentionGoal& goal) {
  std::vector<std::string> ids;
  for (const std::size_t index : plan_retention(dumps, goal)) ids.push_back(dumps[index].id);
  return ids;
}

RetentionGoal at_most(std::uint64_t dumps) {
  return {.limits = {.dumps = dumps}};
}

TEST(Retention, WithinTheLimitsNothingGoes) {
  EXPECT_THAT(removed({dump("a", "x"), dump("b", "x")}, at_most(2)), IsEmpty());
  EXPECT_THAT(removed({dump("a", "x"), dump("b", "x")}, {}), IsEmpty());
  EXPECT_THAT(removed({}, at_most(1)), IsEmpty());
}

TEST(Retention, TheFirstAndTheNewestOfASignatureStayAsLongAsAnythingElseCanGo) {
  const std::vector dumps = {dump("x1", "x"), dump("x2", "x"), dump("y1", "y"),
                             dump("x3", "x"), dump("x4", "x"), dump("y2", "y")};
  EXPECT_THAT(removed(dumps, at_most(5)), ElementsAre("x2"));
  EXPECT_THAT(removed(dumps, at_most(4)), ElementsAre("x2", "x3"));
  EXPECT_THAT(removed(dumps, at_most(3)), ElementsAre("x2", "x3", "x1"));
}

TEST(Retention, ThenTheFirstGoesThenTheNewestOfASignatureAndNeverTheNewestOfAll) {
  const std::vector dumps = {dump("x1", "x"), dump("x2", "x"), dump("y1", "y"), dump("z1", "z")};
  EXPECT_THAT(removed(dumps, {.limits = {.bytes = 1}}), ElementsAre("x1", "x2", "y1"));
  EXPECT_THAT(removed({dump("big", "x", 100)}, {.limits = {.bytes = 1}}), IsEmpty());
}

TEST(Retention, ADumpWithoutASignatureIsTheOnlyOneOfItsKind) {
  const std::vector dumps = {dump("a", ""), dump("b", ""), dump("x1", "x"), dump("x2", "x"), dump("x3", "x")};
  EXPECT_THAT(removed(dumps, at_most(4)), ElementsAre("x2"));
}

TEST(Retention, ADumpInUseStays) {
  std::vector dumps = {dump("x1", "x"), dump("x2", "x"), dump("x3", "x")};
  dumps[1].is_in_use = true;
  EXPECT_THAT(removed(dumps, at_most(2)), ElementsAre("x1"));
}

TEST(Retention, TheFirstDumpOfACrashLoopGoesLast) {
  const std::vector dumps = {dump("x1", "x"), dump("loop", "x"), dump("x3", "x"), dump("y", "y"),
                             dump("z", "z")};
  RetentionGoal goal = at_most(2);
  goal.kept_id = "loop";
  EXPECT_THAT(removed(dumps, goal), ElementsAre("x1", "x3", "y"));
}

TEST(Retention, ForADumpToComeTheNewestOfAllMayGo) {
  const RetentionGoal goal{.free_now = 1, .free_wanted = 3, .one_is_to_come = true};
  EXPECT_THAT(removed({dump("x", "x", 5)}, goal), ElementsAre("x"));
}

TEST(Retention, RoomThatDumpsCannotMakeCostsOnlySuperfluousOnes) {
  const std::vector dumps = {dump("x1", "x"), dump("x2", "x"), dump("x3", "x"), dump("y", "y")};
  EXPECT_THAT(removed(dumps, {.free_now = 0, .free_wanted = 100}), ElementsAre("x2"));
}

// Hundreds of spools made at random: what must hold for each of them.
class RandomRetention : public testing::TestWithParam<unsigned> {
 protected:
  std::mt19937 random_{GetParam()};

  std::uint64_t below(std::uint64_t end) { return random_() % end; }

  std::vector<SavedDump> spool() {
    std::vector<SavedDump> dumps;
    const std::uint64_t count = below(20);
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::string signature = below(5) == 0 ? "" : std::string(1, static_cast<char>('a' + below(4)));
      dumps.push_back(dump(std::to_string(i), signature, 1 + below(100)));
      dumps.back().is_in_use = below(8) == 0;
    }
    return dumps;
  }
  RetentionGoal goal() {
    RetentionGoal goal;
    goal.limits.dumps = below(3) == 0 ? 0 : below(12);
    goal.limits.bytes = below(3) == 0 ? 0 : below(800);
    goal.free_now = below(200);
    goal.free_wanted = below(3) == 0 ? 0 : below(400);
    goal.one_is_to_come = below(2) == 0;
    return goal;
  }
};

TEST_P(RandomRetention, KeepsItsPromises) {
  for (int round = 0; round < 200; ++round) {
    const std::vector<SavedDump> dumps = spool();
    const RetentionGoal goal = this->goal();
    const std::vector<std::size_t> plan = plan_retention(dumps, goal);
    const std::set<std::size_t> gone(plan.begin(), plan.end());
    ASSERT_EQ(gone.size(), plan.size());

    std::vector<SavedDump> left;
    ByteCount bytes = 0;
    ByteCount freed = 0;
    for (std::size_t i = 0; i < dumps.size(); ++i) {
      if (gone.contains(i)) {
        ASSERT_FALSE(dumps[i].is_in_use);
        ASSERT_TRUE(i + 1 < dumps.size() || goal.one_is_to_come);
        freed += dumps[i].bytes;
      } else {
        left.push_back(dumps[i]);
        bytes += dumps[i].bytes;
      }
    }
    // A first or newest goes only when no dump between is left that may go.
    std::map<std::string, std::vector<std::size_t>> of_signature;
    for (std::size_t i = 0; i < dumps.size(); ++i) {
      if (!dumps[i].signature.empty()) of_signature[dumps[i].signature].push_back(i);
    }
    std::set<std::size_t> between;
    for (const auto& [signature, members] : of_signature) {
      for (std::size_t k = 1; k + 1 < members.size(); ++k) between.insert(members[k]);
    }
    const bool took_an_example =
        std::any_of(gone.begin(), gone.end(), [&](std::size_t i) { return !between.contains(i); });
    for (const std::size_t i : between) {
      const bool may_go = !dumps[i].is_in_use && (i + 1 < dumps.size() || goal.one_is_to_come);
      if (took_an_example && may_go) {
        ASSERT_TRUE(gone.contains(i));
      }
    }
    // Under the limits, or nothing is left that may go.
    const auto may_go = [&](std::size_t i) {
      return !left[i].is_in_use && (i + 1 < left.size() || goal.one_is_to_come);
    };
    bool any_left = false;
    for (std::size_t i = 0; i < left.size(); ++i) any_left = any_left || may_go(i);
    const bool holds = (goal.limits.dumps == 0 || left.size() <= goal.limits.dumps) &&
                       (goal.limits.bytes == 0 || bytes <= goal.limits.bytes);
    ASSERT_TRUE(holds || !any_left);
    // None in vain: the last one that went was needed.
    if (!plan.empty()) {
      const ByteCount last = dumps[plan.back()].bytes;
      const bool held_before = (goal.limits.dumps == 0 || left.size() + 1 <= goal.limits.dumps) &&
                               (goal.limits.bytes == 0 || bytes + last <= goal.limits.bytes) &&
                               goal.free_now + freed - last >= goal.free_wanted;
      ASSERT_FALSE(held_before);
    }
    // Again, it finds nothing to do.
    RetentionGoal again = goal;
    again.free_now += freed;
    if (holds && again.free_now >= goal.free_wanted) {
      ASSERT_THAT(plan_retention(left, again), IsEmpty());
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomRetention, testing::Range(1U, 9U));

}  // namespace
}  // namespace warmdump::test
