#include "cli/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "cli/journal_stream.h"

namespace warmdump {
namespace {

constexpr auto kRedrawInterval = std::chrono::milliseconds(100);
constexpr unsigned kBarColumns = 20;
constexpr std::chrono::duration<double> kTrustworthy{0.5};  // before that a rate is noise

std::uint64_t tenth_of(std::uint64_t done, std::uint64_t total) {
  return total == 0 ? 0
                    : static_cast<std::uint64_t>(static_cast<long double>(done) * 10 /
                                                 static_cast<long double>(total));
}

}  // namespace

std::string bytes_text(std::uint64_t bytes) {
  static constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1023.95 && unit + 1 < std::size(kUnits)) {
    value /= 1024;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string duration_text(std::chrono::duration<double> duration) {
  const auto seconds = static_cast<std::uint64_t>(std::max(0.0, std::ceil(duration.count())));
  if (seconds < 60) return fmt::format("{} s", seconds);
  if (seconds < 3600) return fmt::format("{} min {} s", seconds / 60, seconds % 60);
  return fmt::format("{} h {} min", seconds / 3600, seconds % 3600 / 60);
}

std::string progress_text(std::string_view label, std::uint64_t done, std::uint64_t total,
                          std::chrono::duration<double> elapsed, unsigned bar_columns,
                          std::uint64_t skipped) {
  done = total == 0 ? done : std::min(done, total);
  // A long label keeps a space between it and the number.
  std::string line = fmt::format("{:<{}}", label, std::max<std::size_t>(10, label.size() + 1));
  const double share = total == 0 ? 0 : static_cast<double>(done) / static_cast<double>(total);
  if (total != 0) {
    line += fmt::format("{:>3} % ", static_cast<unsigned>(share * 100));
    const auto filled = static_cast<unsigned>(share * bar_columns);
    if (bar_columns != 0) {
      line += "[" + std::string(filled, '#') + std::string(bar_columns - filled, '-') + "] ";
    }
    line += bytes_text(done) + " of " + bytes_text(total);
  } else {
    line += bytes_text(done);
  }
  if (elapsed < kTrustworthy || done <= skipped) return line;
  const double rate = static_cast<double>(done - skipped) / elapsed.count();
  line += "  " + bytes_text(static_cast<std::uint64_t>(rate)) + "/s";
  if (total == 0 || done == total) return line;
  return line + "  " +
         duration_text(std::chrono::duration<double>(static_cast<double>(total - done) / rate)) + " left";
}

Progress::Progress() : is_terminal_(isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() {
  if (is_line_open_) std::fputc('\n', stderr);
}

void Progress::begin(std::string_view label, std::uint64_t total_bytes) {
  if (is_open_) finish();
  label_ = label;
  total_ = total_bytes;
  done_ = 0;
  skipped_ = 0;
  next_tenth_ = 1;
  is_open_ = true;
  started_ = drawn_ = std::chrono::steady_clock::now();
  if (is_terminal_) {
    show(progress_text(label_, 0, total_, elapsed(), kBarColumns), false);
  } else {
    show(total_ == 0 ? label_ : label_ + " " + bytes_text(total_), true);
  }
}

void Progress::update(std::uint64_t done) {
  done_ = done;
  if (!is_open_) return;
  const auto now = std::chrono::steady_clock::now();
  if (is_terminal_) {
    if (now - drawn_ < kRedrawInterval) return;
    drawn_ = now;
    show(progress_text(label_, done_, total_, elapsed(), kBarColumns, skipped_), false);
  } else if (tenth_of(done_, total_) >= next_tenth_ && done_ < total_) {
    next_tenth_ = tenth_of(done_, total_) + 1;
    show(progress_text(label_, done_, total_, elapsed(), 0, skipped_), true);
  }
}

void Progress::finish() {
  if (!is_open_) return;
  is_open_ = false;
  if (total_ != 0) done_ = total_;
  show(progress_text(label_, done_, total_, elapsed(), is_terminal_ ? kBarColumns : 0, skipped_), true);
}

void Progress::note(std::string_view text) {
  std::string clean(text);
  std::replace_if(
      clean.begin(), clean.end(), [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; }, '?');
  show(clean, true);
}

void Progress::show(std::string_view line, bool is_final) {
  std::fprintf(stderr, "%s%.*s%s", is_terminal_ ? "\r\033[K" : journal_prefix(JournalPriority::info),
               static_cast<int>(line.size()), line.data(), is_final ? "\n" : "");
  std::fflush(stderr);
  is_line_open_ = !is_final;
}

std::chrono::duration<double> Progress::elapsed() const {
  return std::chrono::steady_clock::now() - started_;
}

}  // namespace warmdump
