#include "upload/policy/moment.h"

#include <algorithm>

namespace warmdump {
namespace {

using std::chrono::seconds;

bool is_same_boot(const Moment& a, const Moment& b) {
  return !a.boot_id.empty() && a.boot_id == b.boot_id;
}

}  // namespace

seconds elapsed(const Moment& then, const Moment& now) {
  if (is_same_boot(then, now)) return std::max(now.since_boot - then.since_boot, seconds(0));
  const bool walls_can_be = then.wall >= kEarliestWall && now.wall >= then.wall;
  const seconds by_wall(walls_can_be ? now.wall - then.wall : 0);
  return std::max({by_wall, now.lived - then.lived, seconds(0)});
}

seconds lived_until(const Moment& last, const Moment& now) {
  const seconds unseen = is_same_boot(last, now) ? now.since_boot - last.since_boot : now.since_boot;
  return last.lived + std::max(unseen, seconds(0));
}

seconds remaining(const Due& due, const Moment& now) {
  return std::clamp(due.wait - elapsed(due.from, now), seconds(0), std::max(due.wait, seconds(0)));
}

}  // namespace warmdump
