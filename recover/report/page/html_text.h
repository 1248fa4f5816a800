// Text from a dump, fit for a web page. Pure.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace warmdump {

// `text` escaped for element content and quoted attribute values. What would not be seen, or would change how
// the text around it is seen, is spelled out: control characters but newline and tab as \x1b, characters
// that turn the direction of writing or have no width as \u{202e}. Bytes that are no UTF-8 become U+FFFD.
std::string html_text(std::string_view text);

// At most `bytes` of `text`, with an ellipsis where something was cut off; never ends inside of a character.
std::string shortened(std::string_view text, std::size_t bytes);

}  // namespace warmdump
