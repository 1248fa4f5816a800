#include "recover/report/redaction_rules.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "common/hosted/ascii.h"

namespace warmdump {
namespace {

constexpr std::size_t kValueSizeMax = 256;

char at_or_zero(std::string_view text, std::size_t position) {
  return position < text.size() ? text[position] : '\0';
}
char before(std::string_view text, std::size_t position) {
  return position == 0 ? '\0' : text[position - 1];
}

// End of at most `most` characters from `start` that are `is`.
template <class Predicate>
std::size_t run_end(std::string_view text, std::size_t start, std::size_t most, Predicate&& is) {
  const std::size_t limit = std::min(text.size(), start + most);
  while (start < limit && is(text[start])) ++start;
  return start;
}

// Six pairs of hexadecimal digits with ':' or '-' between, and no seventh.
TextRange match_mac(std::string_view text, std::size_t at) {
  const char separator = at_or_zero(text, at + 2);
  if (separator != ':' && separator != '-') return {};
  if (is_word_character(before(text, at)) || before(text, at) == separator) return {};
  const std::size_t end = at + 17;
  if (end > text.size()) return {};
  for (std::size_t i = 0; i < 17; ++i) {
    const bool fits = i % 3 == 2 ? text[at + i] == separator : is_hex(text[at + i]);
    if (!fits) return {};
  }
  const char next = at_or_zero(text, end);
  if (is_word_character(next) || (next == separator && is_hex(at_or_zero(text, end + 1)))) return {};
  return {at, end};
}

bool follows_version(std::string_view text, std::size_t at) {
  for (const std::string_view word : {"ersion ", "ersion: ", "ersion=", "irmware "}) {
    if (text.substr(0, at).ends_with(word)) return true;
  }
  return false;
}

// Four numbers up to 255; but for loopback, none and masks, which name nobody.
TextRange match_ipv4(std::string_view text, std::size_t at) {
  const char previous = before(text, at);
  if (!is_digit(text[at]) || is_word_character(previous) || previous == '.' || previous == '-') return {};
  std::size_t position = at;
  std::array<int, 4> numbers{};
  for (std::size_t part = 0; part < numbers.size(); ++part) {
    if (part > 0 && at_or_zero(text, position++) != '.') return {};
    const std::size_t end = run_end(text, position, 4, is_digit);
    if (end == position || end - position > 3) return {};
    for (; position < end; ++position) numbers[part] = numbers[part] * 10 + (text[position] - '0');
    if (numbers[part] > 255) return {};
  }
  const char next = at_or_zero(text, position);
  if (is_word_character(next) || next == '-' || (next == '.' && is_digit(at_or_zero(text, position + 1))))
    return {};
  if (numbers[0] == 0 || numbers[0] == 127 || numbers[0] == 255 || follows_version(text, at)) return {};
  return {at, position};
}

// Eight groups of up to four hexadecimal digits, or fewer with one "::"; but for loopback.
TextRange match_ipv6(std::string_view text, std::size_t at) {
  const auto is_part = [](char c) { return is_hex(c) || c == ':'; };
  if (!is_part(text[at]) || is_word_character(before(text, at)) || before(text, at) == ':') return {};
  std::size_t end = run_end(text, at, 40, is_part);
  if (is_word_character(at_or_zero(text, end))) return {};
  if (end - at > 2 && text[end - 1] == ':' && text[end - 2] != ':') --end;  // of the sentence
  const std::string_view value = text.substr(at, end - at);
  const std::size_t gap = value.find("::");
  const bool has_gap = gap != std::string_view::npos;
  if (has_gap && value.find("::", gap + 1) != std::string_view::npos) return {};
  std::size_t groups = 0, digits = 0;
  for (const char c : value) {
    digits = c == ':' ? 0 : digits + 1;
    if (digits > 4) return {};
    if (digits == 1) ++groups;
  }
  // Names of C++ and Rust have colons too, but seldom only such letters, and a digit.
  if (std::none_of(value.begin(), value.end(), is_digit)) return {};
  if (has_gap ? groups < 2 || groups > 7 : groups != 8) return {};
  return {at, end};
}

TextRange match_email(std::string_view text, std::size_t at) {
  const auto is_local = [](char c) {
    return is_word_character(c) || c == '.' || c == '+' || c == '-' || c == '%';
  };
  if (!is_word_character(text[at]) || is_local(before(text, at))) return {};
  const std::size_t sign = run_end(text, at, 64, is_local);
  if (at_or_zero(text, sign) != '@') return {};
  std::size_t end =
      run_end(text, sign + 1, 255, [](char c) { return is_word_character(c) || c == '.' || c == '-'; });
  while (end > sign + 1 && !is_word_character(text[end - 1])) --end;
  const std::string_view domain = text.substr(sign + 1, end - sign - 1);
  const std::size_t dot = domain.rfind('.');
  if (dot == std::string_view::npos || dot == 0) return {};
  const std::string_view top = domain.substr(dot + 1);
  if (top.size() < 2 || !std::all_of(top.begin(), top.end(), is_letter)) return {};
  return {at, end};
}

TextRange match_uuid(std::string_view text, std::size_t at) {
  constexpr std::string_view kForm = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  if (!is_hex(text[at]) || is_hex(before(text, at)) || text.size() - at < kForm.size()) return {};
  for (std::size_t i = 0; i < kForm.size(); ++i) {
    if (kForm[i] == '-' ? text[at + i] != '-' : !is_hex(text[at + i])) return {};
  }
  return is_word_character(at_or_zero(text, at + kForm.size())) ? TextRange{}
                                                                : TextRange{at, at + kForm.size()};
}

// A value behind one of these words, up to one of `ends` or the end of the line.
struct Label {
  std::string_view text;
  std::string_view ends;
};

template <std::size_t Count>
TextRange match_labelled(const Label (&labels)[Count], std::string_view text, std::size_t at,
                         std::size_t least) {
  if (is_word_character(text[at]) && is_word_character(before(text, at))) return {};
  for (const Label& label : labels) {
    if (!text.substr(at).starts_with(label.text)) continue;
    const std::size_t start = at + label.text.size();
    const std::size_t end = run_end(text, start, kValueSizeMax, [&](char c) {
      return c != '\n' && label.ends.find(c) == std::string_view::npos;
    });
    if (end - start >= least) return {start, end};
  }
  return {};
}

// "SerialNumber=3" of usb is the number of a string, and "Serial: 8250" a driver: not these.
TextRange match_serial(std::string_view text, std::size_t at) {
  static constexpr Label kLabels[] = {
      {"SerialNumber: ", " \t,;"},
      {"Serial Number: ", " \t,;"},
      {"serial number: ", " \t,;"},
      {"Serial number: ", " \t,;"},
      {"ID_SERIAL=", " \t,;"},
      {"ID_SERIAL_SHORT=", " \t,;"},
      {"S/N: ", " \t,;"},
      {"androidboot.serialno=", " \t,;"},
      {"systemd.machine_id=", " \t,;"},
  };
  return match_labelled(kLabels, text, at, 2);
}

// The short ids of FAT and NTFS; others are matched by their form.
TextRange match_labelled_uuid(std::string_view text, std::size_t at) {
  static constexpr Label kLabels[] = {{"UUID=", " \t,;\"')]"}, {"PARTUUID=", " \t,;\"')]"}};
  const TextRange value = match_labelled(kLabels, text, at, 4);
  const auto is_id = [](char c) { return is_hex(c) || c == '-'; };
  return std::all_of(text.begin() + value.start, text.begin() + value.end, is_id) ? value : TextRange{};
}

TextRange match_user(std::string_view text, std::size_t at) {
  constexpr std::string_view kHome = "/home/";
  if (!text.substr(at).starts_with(kHome) || is_word_character(before(text, at))) return {};
  const std::size_t start = at + kHome.size();
  const std::size_t end = run_end(text, start, kValueSizeMax, [](char c) {
    return is_word_character(c) || c == '.' || c == '-' || c == '@' || static_cast<unsigned char>(c) >= 0x80;
  });
  return {start, end};
}

TextRange match_name(std::string_view text, std::size_t at) {
  static constexpr Label kLabels[] = {
      {"SSID='", "'"},     {"SSID=\"", "\""}, {"ssid=\"", "\""},          {"ESSID:\"", "\""},
      {"SSID: ", " \t,;"}, {"ssid='", "'"},   {"Hostname set to <", ">"}, {"hostname=", " \t,;"},
  };
  return match_labelled(kLabels, text, at, 1);
}

}  // namespace

bool is_word_character(char c) {
  return is_alphanumeric(c) || c == '_';
}

// To add one: a function that looks at no more than a bounded number of characters, its row here, and in the
// test a line it matches and one it nearly does.
const RedactionRule redaction_rules[kRedactionRules] = {
    {"uuid", match_uuid},     {"uuid", match_labelled_uuid}, {"mac", match_mac},
    {"ipv6", match_ipv6},     {"ipv4", match_ipv4},          {"email", match_email},
    {"serial", match_serial}, {"user", match_user},          {"name", match_name},
};

}  // namespace warmdump
