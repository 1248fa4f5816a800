#include "common/dump_format/dump_state.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace warmdump::dump_format {
namespace {

const State kStates[] = {State::empty,   State::writing,   State::complete,
                         State::partial, State::recovered, State::cleared};

// A dump must never be lost before it is saved: from a state that holds one, only recovery leads back to a
// state in which a capture may start.
TEST(DumpState, NoDumpIsOverwrittenUnrecovered) {
  for (const State from : kStates) {
    if (!holds_dump(from)) continue;
    for (const State to : kStates) {
      EXPECT_FALSE(may_follow(from, to) && is_ready_for_capture(to))
          << state_name(from) << " " << state_name(to);
    }
  }
  EXPECT_TRUE(may_follow(State::empty, State::partial)) << "nothing could be captured";
  EXPECT_FALSE(may_follow(State::complete, State::writing));
  EXPECT_FALSE(may_follow(State::partial, State::writing));
  EXPECT_FALSE(may_follow(State::recovered, State::writing));
}

TEST(DumpState, ACaptureGoesItsWay) {
  const State way[] = {State::empty,   State::writing,   State::complete, State::recovered, State::cleared,
                       State::writing, State::writing,   State::partial,  State::recovered, State::cleared,
                       State::writing, State::recovered, State::cleared,  State::empty};
  for (std::size_t i = 1; i < std::size(way); ++i) {
    EXPECT_TRUE(may_follow(way[i - 1], way[i])) << state_name(way[i - 1]) << " " << state_name(way[i]);
  }
}

TEST(DumpState, UnknownStatesFollowNothing) {
  EXPECT_FALSE(may_follow(State::empty, static_cast<State>(99)));
  EXPECT_FALSE(may_follow(static_cast<State>(99), State::cleared));
  EXPECT_FALSE(may_follow(static_cast<State>(99), State::writing));
}

TEST(DumpState, NamesAreDistinct) {
  std::set<std::string> names;
  for (const State state : kStates) names.insert(state_name(state));
  EXPECT_EQ(names.size(), std::size(kStates));
  EXPECT_STREQ(state_name(static_cast<State>(0)), "unknown");
  names.clear();
  for (unsigned i = 0; i < kPageClassCount; ++i) names.insert(page_class_name(static_cast<PageClass>(i)));
  EXPECT_EQ(names.size(), kPageClassCount);
  names.clear();
  for (unsigned i = 0; i < kPhaseCount; ++i) {
    names.insert(phase_name(static_cast<Phase>(i)));
  }
  EXPECT_EQ(names.size(), kPhaseCount);
  EXPECT_FALSE(names.contains("unknown"));
}

}  // namespace
}  // namespace warmdump::dump_format
