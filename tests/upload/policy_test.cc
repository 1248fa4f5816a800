// The policy of uploads, table by table.

#include <gmock/gmock.h>

#include <array>
#include <set>

#include "upload/policy/backoff.h"
#include "upload/policy/daily_limits.h"
#include "upload/policy/failure_verdict.h"
#include "upload/policy/moment.h"
#include "upload/policy/retry_budget.h"
#include "upload/policy/send_permission.h"
#include "upload/policy/start_spread.h"
#include "upload/policy/wanted_parts.h"
#include "upload/queue/queue_order.h"

namespace warmdump {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;

constexpr std::time_t kNow = 1'800'000'000;

Moment moment(std::time_t wall, const char* boot, seconds since_boot, seconds lived) {
  return {wall, boot, since_boot, lived};
}

TEST(Moments, elapse_by_the_boot_clock_within_a_boot_and_by_what_can_be_believed_between_boots) {
  const Moment then = moment(kNow, "a", seconds(100), seconds(1000));
  const struct {
    Moment now;
    seconds elapsed;
    const char* why;
  } cases[] = {
      {moment(kNow + 50, "a", seconds(150), seconds(1050)), seconds(50), "the same boot"},
      {moment(kNow + 9'999'999, "a", seconds(150), seconds(1050)), seconds(50), "the clock was set ahead"},
      {moment(kNow - 9'999'999, "a", seconds(150), seconds(1050)), seconds(50), "the clock was set back"},
      {moment(kNow + 500, "b", seconds(10), seconds(1010)), seconds(500), "another boot, off meanwhile"},
      {moment(kNow - 500, "b", seconds(10), seconds(1010)), seconds(10), "another boot, clock behind"},
      {moment(0, "b", seconds(30), seconds(1030)), seconds(30), "another boot, no clock"},
      {moment(kNow, "a", seconds(50), seconds(1000)), seconds(0), "never negative"},
  };
  for (const auto& c : cases) EXPECT_EQ(elapsed(then, c.now), c.elapsed) << c.why;
  const Moment without_clock = moment(100, "a", seconds(100), seconds(1000));
  EXPECT_EQ(elapsed(without_clock, moment(kNow, "b", seconds(5), seconds(1005))), seconds(5))
      << "a moment before the clock was set is not years ago";
  EXPECT_EQ(elapsed(moment(kNow, "", seconds(9), seconds(0)), moment(kNow, "", seconds(99), seconds(0))),
            seconds(0))
      << "an unknown boot is not the same boot";
}

TEST(Moments, wait_no_longer_than_asked_whatever_clocks_do) {
  const Due due{moment(kNow, "a", seconds(100), seconds(1000)), hours(6)};
  EXPECT_EQ(remaining(due, moment(kNow, "a", seconds(100), seconds(1000))), hours(6));
  EXPECT_EQ(remaining(due, moment(kNow - 99'999'999, "b", seconds(0), seconds(1000))), hours(6));
  EXPECT_EQ(remaining(due, moment(kNow + 6 * 3600, "b", seconds(0), seconds(1000))), seconds(0));
  EXPECT_EQ(remaining(due, moment(0, "b", hours(6), seconds(1000) + hours(6))), seconds(0));
  EXPECT_EQ(remaining({}, {}), seconds(0));
}

TEST(Moments, add_up_the_uptime_that_was_seen) {
  const Moment last = moment(kNow, "a", seconds(100), seconds(1000));
  EXPECT_EQ(lived_until(last, moment(0, "a", seconds(130), seconds(0))), seconds(1030));
  EXPECT_EQ(lived_until(last, moment(0, "b", seconds(30), seconds(0))), seconds(1030));
  EXPECT_EQ(lived_until(last, moment(0, "a", seconds(50), seconds(0))), seconds(1000)) << "never falls";
}

TEST(BackoffAcrossRuns, grows_from_five_minutes_to_six_hours_with_full_jitter) {
  const Backoff backoff;
  const struct {
    unsigned failures;
    seconds upper;
  } cases[] = {{1, minutes(5)},   {2, minutes(10)},  {3, minutes(20)}, {4, minutes(40)}, {5, minutes(80)},
               {6, minutes(160)}, {7, minutes(320)}, {8, hours(6)},    {9, hours(6)},    {1000, hours(6)}};
  for (const auto& c : cases) {
    EXPECT_EQ(backoff_wait(backoff, c.failures, {}, 0), seconds(0));
    EXPECT_EQ(backoff_wait(backoff, c.failures, {}, 0.5), c.upper / 2);
    EXPECT_LT(backoff_wait(backoff, c.failures, {}, 0.9999), c.upper);
  }
}

TEST(BackoffAcrossRuns, honours_retry_after_as_a_lower_bound_with_a_tenth_of_jitter) {
  const Backoff backoff;
  EXPECT_EQ(backoff_wait(backoff, 1, seconds(1000), 0), seconds(1000));
  EXPECT_EQ(backoff_wait(backoff, 1, seconds(1000), 0.5), seconds(1050));
  EXPECT_EQ(backoff_wait(backoff, 8, seconds(1000), 0.5), hours(3));
  EXPECT_EQ(probe_wait(0), minutes(45));
  EXPECT_EQ(probe_wait(0.5), hours(1));
}

TEST(RetryBudgetTest, ends_on_a_dead_link_and_lasts_on_one_that_loses_a_little) {
  RetryBudget dead;
  unsigned retries = 0;
  while (dead.take_retry()) ++retries;
  EXPECT_EQ(retries, RetryBudget::kFull / RetryBudget::kPerRetry);
  RetryBudget lossy;
  for (int i = 0; i < 10'000; ++i) {
    lossy.piece_arrived();
    lossy.piece_arrived();
    ASSERT_TRUE(lossy.take_retry()) << "one of three is lost";
  }
}

TEST(FailureVerdict, is_exhaustive_and_no_answer_of_a_server_but_its_final_no_ends_a_dump) {
  const std::array remedies{Remedy::wait,        Remedy::read_again,   Remedy::begin_again,  Remedy::set_time,
                            Remedy::change_sink, Remedy::give_dump_up, Remedy::change_source};
  const std::array codes{
      "",          "SlowDown",       "InternalError", "NoSuchUpload",        "AccessDenied",
      "BadDigest", "EntityTooLarge", "NoSuchBucket",  "RequestTimeTooSkewed"};
  for (const Remedy remedy : remedies) {
    for (const char* code : codes) {
      for (const unsigned status : {0u, 400u, 403u, 404u, 413u, 500u, 503u}) {
        SendFailure failure(Failure(ErrorCode::io, "x"), remedy);
        failure.server_code = code;
        failure.http_status = status;
        const Verdict verdict = verdict_of(failure);
        EXPECT_EQ(verdict.blame == Blame::dead, remedy == Remedy::give_dump_up);
        EXPECT_EQ(verdict.blame == Blame::sink, remedy == Remedy::change_sink);
        EXPECT_EQ(verdict.blame == Blame::rest, remedy == Remedy::wait || remedy == Remedy::set_time);
        EXPECT_EQ(verdict.keeps_session, remedy != Remedy::give_dump_up && remedy != Remedy::begin_again);
      }
    }
  }
  EXPECT_FALSE(verdict_of({Failure(ErrorCode::corrupt, "changed"), Remedy::change_source}).keeps_session);
}

class DailyLimitsTest : public testing::Test {
 protected:
  Moment at(seconds time) const { return moment(kNow + time.count(), "a", time, time); }
  void sent(seconds time, const std::string& dump, bool has_pages, ByteCount bytes, const char* sig = "s") {
    count_sent(journal, {at(time), dump, sig, has_pages, bytes});
  }
  std::vector<SentEntry> journal;
};

TEST_F(DailyLimitsTest, bytes_and_dumps_hold_at_once) {
  const DailyLimits limits{1600, 2, 3};
  EXPECT_TRUE(may_send(limits, journal, at(seconds(0)), "a", true, 1500).is_allowed);
  EXPECT_FALSE(may_send(limits, journal, at(seconds(0)), "a", true, 1501).is_allowed) << "left to reports";
  EXPECT_TRUE(may_send(limits, journal, at(seconds(0)), "a", true, 1501).is_too_large);
  EXPECT_TRUE(may_send(limits, journal, at(seconds(0)), "a", false, 1600).is_allowed);
  sent(seconds(0), "a", true, 100);
  sent(hours(1), "b", true, 100);
  EXPECT_FALSE(may_send(limits, journal, at(hours(2)), "c", true, 1).is_allowed) << "the third dump";
  EXPECT_TRUE(may_send(limits, journal, at(hours(2)), "b", true, 1).is_allowed) << "the second goes on";
  EXPECT_TRUE(may_send(limits, journal, at(hours(2)), "c", false, 1).is_allowed) << "reports are no dumps";
  EXPECT_EQ(may_send(limits, journal, at(hours(2)), "c", true, 1).until, hours(22) + kJournalSlot);
  EXPECT_TRUE(may_send(limits, journal, at(hours(24) + kJournalSlot), "c", true, 1).is_allowed);
}

TEST_F(DailyLimitsTest, tell_when_enough_is_forgotten) {
  const DailyLimits limits{1600, 0, 0};
  sent(hours(0), "a", true, 500);
  sent(hours(1), "a", true, 500);
  sent(hours(2), "a", true, 400);
  EXPECT_EQ(may_send(limits, journal, at(hours(3)), "a", true, 100).until, seconds(0));
  EXPECT_EQ(may_send(limits, journal, at(hours(3)), "a", true, 101).until, hours(21) + kJournalSlot);
  EXPECT_EQ(may_send(limits, journal, at(hours(3)), "a", true, 601).until, hours(22) + kJournalSlot);
  EXPECT_EQ(may_send(limits, journal, at(hours(3)), "a", true, 100).bytes_left, 100u);
}

TEST_F(DailyLimitsTest, hold_when_the_clock_of_day_jumps) {
  const DailyLimits limits{1600, 0, 0};
  sent(hours(1), "a", true, 1500);
  Moment later = at(hours(2));
  for (const std::time_t wall : {std::time_t{0}, kNow - 999'999, kNow + 999'999'999}) {
    later.wall = wall;
    EXPECT_FALSE(may_send(limits, journal, later, "b", true, 1).is_allowed) << wall;
  }
}

TEST_F(DailyLimitsTest, take_back_what_was_not_sent_and_forget_what_is_old) {
  sent(hours(0), "a", true, 500);
  sent(hours(1), "a", true, 500);
  take_back(journal, "a", true, 700);
  EXPECT_EQ(journal.at(0).bytes, 300u);
  EXPECT_EQ(journal.at(1).bytes, 0u);
  take_back(journal, "a", false, 9);
  sent(hours(26), "b", true, 1);
  EXPECT_EQ(journal.size(), 1u);
}

TEST_F(DailyLimitsTest, count_other_dumps_of_the_same_crash) {
  sent(hours(0), "a", true, 0, "x");
  sent(hours(1), "b", true, 5, "x");
  sent(hours(1), "b", false, 5, "x");
  sent(hours(1), "c", false, 5, "x");
  sent(hours(1), "d", true, 5, "y");
  EXPECT_EQ(pages_sent_today(journal, at(hours(2)), "x", "new"), 2u);
  EXPECT_EQ(pages_sent_today(journal, at(hours(2)), "x", "b"), 1u);
  EXPECT_EQ(pages_sent_today(journal, at(hours(2)), "", "new"), 0u);
  EXPECT_EQ(pages_sent_today(journal, at(hours(24) + kJournalSlot), "x", "new"), 1u);
}

TEST(WantedParts, follow_settings_then_the_server_then_the_count) {
  using Want = Destination::Want;
  using Answer = std::optional<Want>;
  const struct {
    PagesPolicy policy;
    Answer answer;
    unsigned sent_today;
    PagesDecision decision;
  } cases[] = {
      {PagesPolicy::always, {}, 2, PagesDecision::send},
      {PagesPolicy::always, {}, 3, PagesDecision::report_only},
      {PagesPolicy::always, Want::dump, 3, PagesDecision::send},
      {PagesPolicy::always, Want::later, 0, PagesDecision::ask_later},
      {PagesPolicy::always, Want::nothing, 0, PagesDecision::report_only},
      {PagesPolicy::asked, {}, 0, PagesDecision::ask_later},
      {PagesPolicy::asked, Want::dump, 9, PagesDecision::send},
      {PagesPolicy::asked, Want::later, 0, PagesDecision::ask_later},
      {PagesPolicy::asked, Want::nothing, 0, PagesDecision::report_only},
      {PagesPolicy::never, {}, 0, PagesDecision::report_only},
      {PagesPolicy::never, Want::dump, 0, PagesDecision::report_only},
      {PagesPolicy::never, Want::later, 0, PagesDecision::report_only},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(decide_pages({c.policy, c.answer, c.sent_today, 3}), c.decision)
        << static_cast<int>(c.policy) << " " << (c.answer ? static_cast<int>(*c.answer) : -1);
  }
  EXPECT_EQ(decide_pages({PagesPolicy::always, {}, 99, 0}), PagesDecision::send) << "no limit";
}

TEST(SendPermission, by_what_is_seen) {
  const Surroundings none{};
  Surroundings metered, battery, paused, forbidden;
  metered.is_metered = true;
  battery.is_on_battery = true;
  paused.is_paused = true;
  forbidden.has_consent = false;
  forbidden.is_paused = true;
  const struct {
    PermissionSettings settings;
    Surroundings seen;
    Permission report, pages;
  } cases[] = {
      {{}, none, Permission::granted, Permission::granted},
      {{MeteredUse::never, true}, metered, Permission::metered, Permission::metered},
      {{MeteredUse::report, true}, metered, Permission::granted, Permission::metered},
      {{MeteredUse::always, true}, metered, Permission::granted, Permission::granted},
      {{}, battery, Permission::granted, Permission::granted},
      {{MeteredUse::report, false}, battery, Permission::on_battery, Permission::on_battery},
      {{}, paused, Permission::paused, Permission::paused},
      {{}, forbidden, Permission::no_consent, Permission::no_consent},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(may_send_now(c.settings, c.seen, false), c.report);
    EXPECT_EQ(may_send_now(c.settings, c.seen, true), c.pages);
  }
}

TEST(StartSpread, is_the_same_within_a_boot_and_even_over_a_fleet) {
  const seconds spread(600);
  EXPECT_EQ(spread_delay("m", "b", spread), spread_delay("m", "b", spread));
  EXPECT_NE(spread_delay("m", "b", spread), spread_delay("m", "c", spread));
  EXPECT_EQ(spread_delay("m", "b", seconds(0)).count(), 0);
  EXPECT_EQ(spread_wait("m", "b", spread, spread).count(), 0);
  constexpr int kMachines = 2000;
  std::array<int, 60> starts{};  // in each tenth second
  for (int i = 0; i < kMachines; ++i) {
    const auto delay = spread_delay("machine-" + std::to_string(i), "boot", spread);
    ASSERT_GE(delay.count(), 0);
    ASSERT_LT(delay, spread);
    ++starts[static_cast<std::size_t>(delay / seconds(10))];
  }
  for (const int count : starts) {  // 33 on the average; 6 standard deviations
    EXPECT_GT(count, 0);
    EXPECT_LT(count, 68);
  }
}

TEST(SendOrder, new_kinds_first_then_age_and_failures_behind) {
  const std::vector<OrderFacts> dumps{
      {"x", 30, "a", 0, true, false}, {"x", 20, "b", 0, true, false},  {"y", 40, "c", 0, true, false},
      {"z", 10, "d", 2, true, false}, {"w", 11, "e", 1, true, false},  {"y", 5, "f", 0, false, true},
      {"", 50, "g", 0, true, false},  {"v", 60, "h", 0, false, false},
  };
  // b: oldest of a new kind; g: unknown kind; a: more of x; c: more of y, which was sent.
  EXPECT_THAT(send_order(dumps), ElementsAre(1, 6, 0, 2, 4, 3));
  EXPECT_THAT(send_order({}), ElementsAre());
}

}  // namespace
}  // namespace warmdump
