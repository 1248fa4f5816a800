// How a report looks: the width of the terminal it is printed to, colours where a person looks.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace warmdump {

struct TerminalLook {
  // Parameters of the escape sequence that selects a graphic rendition.
  static constexpr std::string_view kBold = "1";
  static constexpr std::string_view kDim = "2";
  static constexpr std::string_view kRed = "1;31";
  static constexpr std::string_view kGreen = "1;32";
  static constexpr std::string_view kReversed = "7";

  // Standard output: colours on a terminal unless NO_COLOR says otherwise (no-color.org); the width from the
  // terminal, else from COLUMNS.
  static TerminalLook of_output();

  std::string paint(std::string_view rendition, std::string_view text) const;

  // `text` in lines that end before `columns`, further ones indented; broken at spaces where there are any.
  std::string wrapped(std::string_view text, std::size_t indent) const;

  bool colours = false;
  std::size_t columns = 100;
};

}  // namespace warmdump
