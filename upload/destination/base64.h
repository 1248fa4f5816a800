// Base64 (RFC 4648, section 4), as headers want it.

#pragma once

#include <string>
#include <string_view>

namespace warmdump {

// With padding, without line ends.
std::string base64_text(std::string_view bytes);

}  // namespace warmdump
