#include "upload/surroundings/metered_link.h"

#include <fmt/format.h>
#include <unistd.h>

#include <utility>

#include "upload/destination/helper_program.h"

namespace warmdump {
namespace {

constexpr std::chrono::milliseconds kLookAgainAfter{30'000};
constexpr std::chrono::milliseconds kPatience{5'000};

}  // namespace

std::optional<bool> metered_of_property(std::string_view output) {
  while (output.ends_with('\n')) output.remove_suffix(1);
  if (output == "u 1" || output == "u 3") return true;
  if (output == "u 2" || output == "u 4") return false;
  return std::nullopt;
}

std::optional<bool> MeteredLink::is_metered() {
  const auto now = clock_.since_boot();
  if (!looked_at_ || now - *looked_at_ >= kLookAgainAfter) {
    seen_ = look();
    looked_at_ = now;
  }
  return seen_;
}

std::string MeteredLink::complaint() {
  return std::exchange(complaint_, {});
}

std::optional<bool> MeteredLink::look() {
  if (command_.empty()) {
    if (access(busctl_.c_str(), X_OK) != 0) return std::nullopt;
    // A machine without NetworkManager is the usual case, and no fault.
    const auto property = run_helper(
        {busctl_, "--timeout=3", "--auto-start=no", "get-property", "org.freedesktop.NetworkManager",
         "/org/freedesktop/NetworkManager", "org.freedesktop.NetworkManager", "Metered"},
        "", {.time = kPatience});
    return property && property->exit_code == 0 ? metered_of_property(property->output) : std::nullopt;
  }
  const auto result = run_helper({command_}, "", {.time = kPatience});
  if (result) return result->exit_code == 0;
  if (!std::exchange(has_complained_, true)) {
    complaint_ =
        fmt::format("metered_command: {}; the link is taken for one that costs", result.error().message);
  }
  return true;
}

}  // namespace warmdump
