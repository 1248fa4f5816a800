#include "cli/terminal.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>

namespace warmdump {
namespace {

constexpr std::size_t kColumnsMin = 40;
constexpr std::size_t kColumnsMax = 400;
// A piece of text that is narrower than this is not worth a line of its own.
constexpr std::size_t kTextColumnsMin = 16;

std::size_t columns_of_environment() {
  const std::string_view text = std::getenv("COLUMNS") == nullptr ? "" : std::getenv("COLUMNS");
  std::size_t columns = 0;
  std::from_chars(text.data(), text.data() + text.size(), columns);
  return columns;
}

}  // namespace

TerminalLook TerminalLook::of_output() {
  TerminalLook look;
  const char* no_color = std::getenv("NO_COLOR");
  const bool is_terminal = ::isatty(STDOUT_FILENO) == 1;
  look.colours = is_terminal && (no_color == nullptr || *no_color == '\0');
  winsize size{};
  std::size_t columns = columns_of_environment();
  if (is_terminal && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col != 0)
    columns = size.ws_col;
  if (columns != 0) look.columns = std::clamp(columns, kColumnsMin, kColumnsMax);
  return look;
}

std::string TerminalLook::paint(std::string_view rendition, std::string_view text) const {
  return colours ? fmt::format("\033[{}m{}\033[0m", rendition, text) : std::string(text);
}

std::string TerminalLook::wrapped(std::string_view text, std::size_t indent) const {
  const std::size_t width = std::max(columns > indent ? columns - indent : 0, kTextColumnsMin);
  std::string result;
  while (text.size() > width) {
    std::size_t end = text.rfind(' ', width);
    if (end == std::string_view::npos || end == 0) end = width;
    result += fmt::format("{}\n{:{}}", text.substr(0, end), "", indent);
    text.remove_prefix(end);
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  }
  return result.append(text);
}

}  // namespace warmdump
