#include "upload/policy/start_spread.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>

#include "common/hosted/sha256.h"

namespace warmdump {

using std::chrono::milliseconds;

milliseconds spread_delay(std::string_view machine, std::string_view boot_id, std::chrono::seconds spread) {
  constexpr std::size_t kDigits = 13;  // 52 bits, all that a double holds
  const auto digest = sha256_text(std::string(machine) + "\n" + std::string(boot_id));
  if (!digest || spread.count() <= 0) return milliseconds(0);
  const auto draw = std::stoull(digest->substr(0, kDigits), nullptr, 16);
  const double part = std::ldexp(static_cast<double>(draw), -4 * static_cast<int>(kDigits));
  return milliseconds(static_cast<std::int64_t>(part * static_cast<double>(milliseconds(spread).count())));
}

milliseconds spread_wait(std::string_view machine, std::string_view boot_id, std::chrono::seconds spread,
                         milliseconds since_boot) {
  return std::max(spread_delay(machine, boot_id, spread) - since_boot, milliseconds(0));
}

}  // namespace warmdump
