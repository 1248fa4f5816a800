#include "recover/report/chromeos_lines.h"

#include <algorithm>
#include <charconv>
#include <string>

#include "common/hosted/ascii.h"

namespace warmdump::chromeos {
namespace {

struct Stamped {
  float time = 0;
  std::string_view rest;  // of the line, behind the time
};

template <class Predicate>
std::size_t skip(std::string_view text, std::size_t position, Predicate&& predicate) {
  while (position < text.size() && predicate(text[position])) ++position;
  return position;
}

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

// "[<ffffffff81000000>]" at `position`; where it ends, or `position`.
std::size_t skip_address(std::string_view text, std::size_t position) {
  if (!text.substr(position).starts_with("[<")) return position;
  const std::size_t end = skip(text, position + 2, is_hex);
  const bool is_address = end > position + 2 && text.substr(end).starts_with(">]");
  return is_address ? end + 2 : position;
}

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

}  // namespace

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
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

std::optional<Frame> read_frame(std::string_view line) {
  std::optional<Frame> frame;
  match_stamped(line, [&](const Stamped& stamped) {
    frame = read_frame(stamped);
    return frame.has_value();
  });
  return frame;
}

std::optional<std::size_t> find_end_of_panic(std::string_view line) {
  constexpr std::string_view kStart = " Kernel panic";
  std::optional<std::size_t> end;
  match_stamped(line, [&](const Stamped& stamped) {
    if (!stamped.rest.starts_with(kStart)) return false;
    end = static_cast<std::size_t>(stamped.rest.data() - line.data()) + kStart.size();
    return true;
  });
  return end;
}

}  // namespace warmdump::chromeos
