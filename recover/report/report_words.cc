#include "recover/report/report_words.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <string_view>

namespace warmdump {
namespace {

struct Words {
  std::string_view name;
  std::string_view text;
};

// The names of authenticity_name().
constexpr Words kAuthenticity[] = {
    {"sealed", "It carries the seal of a boot that was armed on this machine: its crash kernel made it."},
    {"unsealed", "It carries no seal: any program that ran before the reboot can have made it."},
    {"unknown boot", "It claims a boot that this machine has no record of: nothing proves who made it."},
    {"unchecked", "This machine had no record of an armed boot: who made it could not be checked."},
};

constexpr Words kTimings[] = {
    {"summary", "reading the region, log and summary"},
    {"vmcore", "writing the vmcore"},
    {"total", "recovery of the files in all"},
};

std::string_view find(std::span<const Words> table, std::string_view name) {
  const auto row =
      std::find_if(table.begin(), table.end(), [&](const Words& words) { return words.name == name; });
  return row == table.end() ? std::string_view() : row->text;
}

std::string percent(PageCount part, PageCount whole) {
  const double share = 100.0 * static_cast<double>(part) / static_cast<double>(std::max(whole, PageCount{1}));
  return share > 0 && share < 0.1 ? "less than 0.1 %" : fmt::format("{:.1f} %", share);
}

}  // namespace

std::string utc_text(std::uint64_t seconds) {
  // Later years do not fit four digits: such a time is damage.
  if (seconds == 0 || seconds > 253'402'300'799) return "";
  return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", fmt::gmtime(static_cast<std::time_t>(seconds)));
}

std::string milliseconds_text(std::uint64_t milliseconds) {
  const std::uint64_t seconds = milliseconds / 1000;
  if (milliseconds < 1000) return fmt::format("{} ms", milliseconds);
  if (seconds < 60) return fmt::format("{:.1f} s", static_cast<double>(milliseconds) / 1000);
  if (seconds < 3600) return fmt::format("{} min {} s", seconds / 60, seconds % 60);
  if (seconds < 86'400) return fmt::format("{} h {} min", seconds / 3600, seconds % 3600 / 60);
  return fmt::format("{} d {} h", seconds / 86'400, seconds % 86'400 / 3600);
}

std::string grouped(std::uint64_t number) {
  const std::string digits = std::to_string(number);
  std::string text;
  for (std::size_t index = 0; index < digits.size(); ++index) {
    if (index > 0 && (digits.size() - index) % 3 == 0) text += "\xe2\x80\xaf";
    text += digits[index];
  }
  return text;
}

std::string completeness_text(const DumpSummary& summary) {
  if (summary.complete) return "Every page that was to be kept is in it, and every frame was checked.";
  constexpr std::string_view kPrefix = "incomplete: ";
  std::string text = summary.completeness;
  if (text.starts_with(kPrefix)) text.erase(0, kPrefix.size());
  if (!text.empty() && text.front() >= 'a' && text.front() <= 'z') text.front() -= 'a' - 'A';
  text += ".";
  const ClassCounts& total = summary.pages.total;
  if (total.lost > 0) {
    text += fmt::format(" That is {} of what was to be kept.", percent(total.lost, total.kept));
  }
  return text +
         " What is there was checked and can be used; tools show what is lost as absent, never as zeros.";
}

std::string authenticity_text(const std::string& authenticity) {
  return std::string(find(kAuthenticity, authenticity));
}

std::string timing_text(const std::string& step) {
  const std::string_view text = find(kTimings, step);
  return text.empty() ? step : std::string(text);
}

}  // namespace warmdump
