#include "recover/report/chromeos_signature.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>

#include "recover/report/chromeos_lines.h"

namespace warmdump {
namespace {

constexpr std::size_t kHumanSizeMax = 40;
constexpr float kRegistersWindow = .200F;
// A kernel's lines are shorter; a damaged log must not cost more than linear time.
constexpr std::size_t kLineSizeMax = 4096;

constexpr std::string_view kWaiting[] = {
    "__flush_work",
    "__mutex_lock",
    "__mutex_lock_common",
    "__mutex_lock_slowpath",
    "__schedule",
    "__switch_to",
    "__wait_on_bit",
    "__wait_on_buffer",
    "bit_wait_io",
    "down_read",
    "down_write",
    "down_write_killable",
    "dump_backtrace",
    "dump_cpu_task",
    "dump_stack",
    "dump_stack_lvl",
    "flush_work",
    "io_schedule",
    "kthread_flush_work",
    "mutex_lock",
    "out_of_line_wait_on_bit",
    "panic",
    "rcu_dump_cpu_stacks",
    "rwsem_down_read_slowpath",
    "rwsem_down_write_slowpath",
    "sched_show_task",
    "schedule",
    "schedule_hrtimeout_range",
    "schedule_hrtimeout_range_clock",
    "schedule_preempt_disabled",
    "schedule_timeout",
    "schedule_timeout_uninterruptible",
    "show_stack",
    "usleep_range_state",
    "wait_for_completion",
};

bool is_waiting(std::string_view function) {
  return std::find(std::begin(kWaiting), std::end(kWaiting), function) != std::end(kWaiting);
}

template <class Visit>
void for_each_line(std::string_view text, Visit&& visit) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (!line.empty() && !visit(line.substr(0, kLineSizeMax))) return;
  }
}

// The state of the walk over the log, and what it has found.
class TraceReader {
 public:
  // False when the trace that counts is complete.
  bool read(std::string_view line) {
    in_warning_ = in_warning_ ? !chromeos::ends_warning(line) : chromeos::has_text(line, " WARNING: ");
    if (in_warning_) return true;
    if (const auto registers = chromeos::read_registers(line)) {
      const bool counts = !is_waiting(registers->function);
      registers_time_ = counts ? registers->time : 0;
      registers_function_ = counts ? registers->function : "";
    }
    if (const char* tag = find_tag(line)) {
      tag_ = tag;
    } else if (chromeos::starts_trace(line)) {
      if (is_chosen_) return false;
      certain_.clear();
      all_.clear();
      first_.clear();
      is_chosen_ = !tag_.empty();
    } else if (const auto frame = chromeos::read_frame(line)) {
      add(*frame);
    }
    return true;
  }

  const std::string& tag() const { return tag_; }
  std::uint32_t hash() const { return chromeos_hash(certain_.empty() ? all_ : certain_); }

  // What people read, and whether a panic's text would be worse.
  std::pair<std::string, bool> human() const {
    if (!tag_.empty()) return {first_, true};
    if (!registers_function_.empty() && frame_time_ - registers_time_ < kRegistersWindow)
      return {registers_function_, true};
    return {first_, false};
  }

 private:
  static const char* find_tag(std::string_view line) {
    if (chromeos::has_text(line, " Watchdog detected hard LOCKUP")) return "(HARDLOCKUP)-";
    if (chromeos::has_text(line, " watchdog: BUG: soft lockup")) return "(SOFTLOCKUP)-";
    return chromeos::reports_hung_task(line) ? "(HANG)-" : nullptr;
  }

  static void append(std::string& frames, std::string_view function) {
    if (!frames.empty()) frames += '|';
    frames += function;
  }

  void add(const chromeos::Frame& frame) {
    frame_time_ = frame.time;
    append(all_, frame.function);
    if (!frame.certain) return;
    append(certain_, frame.function);
    if (first_.empty() && !is_waiting(frame.function) && !frame.function.starts_with('<'))
      first_ = frame.function;
  }

  bool in_warning_ = false;
  bool is_chosen_ = false;  // the trace that is being read is the one after a tag
  std::string tag_, certain_, all_, first_, registers_function_;
  float frame_time_ = 0, registers_time_ = 0;
};

// Text behind the colon of the last "Kernel panic"; the colon and the text may stand lines later.
std::optional<std::string> find_panic_message(std::string_view text) {
  std::optional<std::string> message;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, std::min(text.find('\n'), text.size()));
    std::size_t next = line.size() + 1;
    if (const auto behind = chromeos::find_end_of_panic(line.substr(0, kLineSizeMax))) {
      const std::size_t colon = text.find(':', *behind);
      if (colon == std::string_view::npos) break;  // nor is there one for any later line
      const auto* const start = std::find_if_not(text.begin() + static_cast<std::ptrdiff_t>(colon) + 1,
                                                 text.end(), chromeos::is_space);
      const std::string_view rest(start, text.end());
      message = rest.substr(0, rest.find('\n'));
      next = text.size() - rest.size() + message->size();
    }
    text.remove_prefix(std::min(next, text.size()));
  }
  return message;
}

}  // namespace

std::uint32_t chromeos_hash(std::string_view frames) {
  std::uint32_t hash = 0;
  for (const char character : frames)
    hash = hash * 16127U + static_cast<std::uint32_t>(static_cast<signed char>(character));
  return hash;
}

std::string format_kcrash(const PrintkLog& log) {
  std::string text;
  for (const PrintkRecord& record : log.records) {
    PrintkLog one;
    std::string_view rest = record.text;
    do {
      const std::string_view line = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(std::min(line.size() + 1, rest.size()));
      one.records.push_back({record.sequence, record.time_ns, record.caller_id, std::string(line)});
      text += "<4>" + format_printk_log(one);
      one.records.clear();
    } while (!rest.empty());
  }
  return text;
}

std::string chromeos_signature(std::string_view kcrash) {
  TraceReader trace;
  for_each_line(kcrash, [&](std::string_view line) { return trace.read(line); });
  auto [human, is_sure] = trace.human();
  if (!is_sure) human = find_panic_message(kcrash).value_or(human);
  const std::uint32_t hash = trace.hash();
  if (human.empty() && hash == 0) return "kernel-UnspecifiedStackSignature";
  return fmt::format("kernel-{}{}-{:08X}", trace.tag(), human.substr(0, kHumanSizeMax), hash);
}

}  // namespace warmdump
