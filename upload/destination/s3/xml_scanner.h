// XmlScanner: reads the XML of answers, piece by piece. Small on purpose: what S3 and STS send, and no more.
//
// The text is the server's and never trusted. Refused, all as `corrupt`: document types and entities beyond
// the five of XML and character references, unbalanced tags, more than kDepthMax levels, text behind the root
// element. Name spaces are ignored, as are attributes, comments and processing instructions.

#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/hosted/failure.h"

namespace warmdump {

class XmlScanner {
 public:
  static constexpr std::size_t kDepthMax = 16;
  static constexpr std::size_t kNameMax = 64;

  enum class Kind { open, close, text, end };
  struct Token {
    Kind kind = Kind::end;
    std::string_view name = {};  // of open and close, without its prefix; points into the scanned text
    std::string text = {};       // of text: references replaced
  };

  // `text` is borrowed.
  explicit XmlScanner(std::string_view text) : rest_(text) {}

  // After `end` or a failure there is nothing more to ask for.
  Outcome<Token> next();

 private:
  Outcome<Token> read_tag();
  Outcome<Token> read_text();
  Outcome<Token> open_element(std::string_view tag);
  Outcome<Token> close_element(std::string_view tag);
  Outcome<bool> skip_what_is_no_content();

  std::string_view rest_;
  std::vector<std::string_view> open_names_;
  bool has_root_ = false;
  bool must_close_ = false;  // the last tag was <name/>
};

// Calls `on_element` at the end of each element, inner ones first: its path from the root, such as
// "ListPartsResult/Part/ETag", and its own text without blanks at the ends. Scans the whole text before it
// says that all is well, so nothing may be used after a failure.
using OnElement = std::function<Outcome<void>(std::string_view path, std::string_view text)>;
Outcome<void> for_each_element(std::string_view xml, const OnElement& on_element);

// `text` with the five characters that have a meaning in XML replaced.
std::string xml_escaped(std::string_view text);

}  // namespace warmdump
