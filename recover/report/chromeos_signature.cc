#include "recover/report/chromeos_signature.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <optional>

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

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

template <class Predicate>
std::size_t skip(std::string_view text, std::size_t position, Predicate&& predicate) {
  while (position < text.size() && predicate(text[position])) ++position;
  return position;
}

struct Stamped {
  float time = 0;
  std::string_view rest;  // of the line, behind the time
};

// "[   12.345678]" at the start of `text`.
std::optional<Stamped> read_time(std::string_view text) {
  if (!text.starts_with('[')) return std::nullopt;
  const std::size_t start = skip(text, 1, is_space);
  const std::size_t point = skip(text, start, is_digit);
  if (point == start || point >= text.size() || text[point] != '.') return std::nullopt;
  const std::size_t end = skip(text, point + 1, is_digit);
  if (end == point + 1 || end >= text.size() || text[end] != ']') return std::nullopt;
  Stamped stamped;
  const auto parsed = std::from_chars(text.data() + start, text.data() + end, stamped.time);
  if (parsed.ec != std::errc{}) return std::nullopt;
  stamped.rest = text.substr(end + 1);
  return stamped;
}

// Calls `match` with what stands behind "<...>[ time]", until it says yes. The text in brackets may hold any
// characters; the longest that fits is meant.
template <class Match>
bool match_stamped(std::string_view line, Match&& match) {
  if (!line.starts_with('<')) return false;
  for (std::size_t end = line.rfind('>'); end != std::string_view::npos && end > 0;
       end = line.rfind('>', end - 1)) {
    if (const auto stamped = read_time(line.substr(end + 1)); stamped && match(*stamped)) return true;
  }
  return false;
}

bool has_text(std::string_view line, std::string_view text) {
  return match_stamped(line, [&](const Stamped& stamped) { return stamped.rest.starts_with(text); });
}

bool ends_warning(std::string_view line) {
  constexpr std::string_view kStart = " ---[ end trace ";
  return match_stamped(line, [&](const Stamped& stamped) {
    if (!stamped.rest.starts_with(kStart)) return false;
    const std::size_t end = skip(stamped.rest, kStart.size(), is_hex);
    return end > kStart.size() && stamped.rest.substr(end).starts_with(" ]---");
  });
}

bool reports_hung_task(std::string_view line) {
  constexpr std::string_view kStart = " INFO: task ", kEnd = " blocked for more than";
  return match_stamped(line, [&](const Stamped& stamped) {
    if (!stamped.rest.starts_with(kStart)) return false;
    for (std::size_t end = stamped.rest.rfind(kEnd); end != std::string_view::npos && end > kStart.size();
         end = stamped.rest.rfind(kEnd, end - 1)) {
      std::size_t digits = end;
      while (digits > kStart.size() && is_digit(stamped.rest[digits - 1])) --digits;
      if (digits < end && digits > kStart.size() && stamped.rest[digits - 1] == ':') return true;
    }
    return false;
  });
}

bool starts_trace(std::string_view line) {
  return match_stamped(line, [](const Stamped& stamped) {
    std::string text(stamped.rest);
    std::transform(text.begin(), text.end(), text.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return text == " call trace:" || text == " backtrace:";
  });
}

// "[<ffffffff81000000>]" at `position`; where it ends, or `position`.
std::size_t skip_address(std::string_view text, std::size_t position) {
  if (!text.substr(position).starts_with("[<")) return position;
  const std::size_t end = skip(text, position + 2, is_hex);
  const bool is_address = end > position + 2 && text.substr(end).starts_with(">]");
  return is_address ? end + 2 : position;
}

struct Registers {
  float time;
  std::string_view function;
};

std::optional<Registers> read_registers(std::string_view line) {
  constexpr std::string_view kStart = " RIP: ";
  std::optional<Registers> registers;
  match_stamped(line, [&](const Stamped& stamped) {
    const std::string_view text = stamped.rest;
    const std::size_t colon = kStart.size() + 4;
    if (!text.starts_with(kStart) || text.size() <= colon || text[colon] != ':') return false;
    if (skip(text, kStart.size(), is_hex) < colon) return false;
    std::size_t start = colon + 1;
    const std::size_t first = skip_address(text, start);
    if (first > start && first < text.size() && text[first] == ' ') {
      const std::size_t second = skip_address(text, first + 1);
      if (second > first + 1 && second < text.size() && text[second] == ' ') start = second + 1;
    }
    const std::size_t end = skip(text, start, [](char c) { return c != '+' && c != ' '; });
    if (end == start || !text.substr(end).starts_with("+0x")) return false;
    registers = Registers{stamped.time, text.substr(start, end - start)};
    return true;
  });
  return registers;
}

struct Frame {
  float time;
  bool certain;
  std::string_view function;
};

// Behind the time: spaces, perhaps an address, at least one of " ?(", a name up to " +)". Spaces and the
// characters before the name overlap; as many as possible count as spaces, and then as marks.
std::optional<Frame> read_frame(const Stamped& stamped) {
  const std::string_view text = stamped.rest;
  const auto is_mark = [](char c) { return is_space(c) || c == '?' || c == '('; };
  const auto is_name = [](char c) { return c != '+' && c != ' ' && c != ')'; };
  const std::size_t spaces = skip(text, 0, is_space);
  if (spaces == 0) return std::nullopt;
  // Each start of marks with the latest name that leaves at least `least` characters before it.
  const auto match = [&](std::size_t marks, std::size_t least) -> std::optional<Frame> {
    for (std::size_t name = skip(text, marks, is_mark); name >= least; --name) {
      if (name >= text.size() || !is_name(text[name])) continue;
      const std::size_t from = std::min(marks, name - 1);
      const bool certain = text.substr(from, name - from).find('?') == std::string_view::npos;
      const std::size_t end = skip(text, name, is_name);
      return Frame{stamped.time, certain, text.substr(name, end - name)};
    }
    return std::nullopt;
  };
  const std::size_t behind_address = skip_address(text, spaces);
  if (behind_address > spaces) {
    if (const auto frame = match(behind_address, behind_address + 1)) return frame;
  }
  return match(spaces, 2);
}

std::optional<Frame> read_frame(std::string_view line) {
  std::optional<Frame> frame;
  match_stamped(line, [&](const Stamped& stamped) {
    frame = read_frame(stamped);
    return frame.has_value();
  });
  return frame;
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
    in_warning_ = in_warning_ ? !ends_warning(line) : has_text(line, " WARNING: ");
    if (in_warning_) return true;
    if (const auto registers = read_registers(line)) {
      const bool counts = !is_waiting(registers->function);
      registers_time_ = counts ? registers->time : 0;
      registers_function_ = counts ? registers->function : "";
    }
    if (const char* tag = find_tag(line)) {
      tag_ = tag;
    } else if (starts_trace(line)) {
      if (is_chosen_) return false;
      certain_.clear();
      all_.clear();
      first_.clear();
      is_chosen_ = !tag_.empty();
    } else if (const auto frame = read_frame(line)) {
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
    if (has_text(line, " Watchdog detected hard LOCKUP")) return "(HARDLOCKUP)-";
    if (has_text(line, " watchdog: BUG: soft lockup")) return "(SOFTLOCKUP)-";
    return reports_hung_task(line) ? "(HANG)-" : nullptr;
  }

  static void append(std::string& frames, std::string_view function) {
    if (!frames.empty()) frames += '|';
    frames += function;
  }

  void add(const Frame& frame) {
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
  constexpr std::string_view kStart = " Kernel panic";
  std::optional<std::string> message;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, std::min(text.find('\n'), text.size()));
    std::size_t next = line.size() + 1;
    match_stamped(line.substr(0, kLineSizeMax), [&](const Stamped& stamped) {
      if (!stamped.rest.starts_with(kStart)) return false;
      const auto behind = static_cast<std::size_t>(stamped.rest.data() - text.data()) + kStart.size();
      const std::size_t colon = text.find(':', behind);
      if (colon == std::string_view::npos) {
        next = text.size();  // nor is there one for any later line
        return true;
      }
      const std::size_t start = skip(text, colon + 1, is_space);
      const std::size_t end = std::min(text.find('\n', start), text.size());
      message = text.substr(start, end - start);
      next = end;
      return true;
    });
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
