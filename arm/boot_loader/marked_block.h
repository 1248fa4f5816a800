// Our lines in a file whose other lines are the admin's: a block between two comment lines, at the end.

#pragma once

#include <string>
#include <string_view>

#include "common/hosted/failure.h"

namespace warmdump {

// `text` with `lines` (each ended by a line break) in place of our block, which is added at the end when
// there is none. No lines: the block is taken out, and the text is what it was before. ErrorCode::invalid
// when a mark stands there without the other.
Outcome<std::string> with_marked_block(std::string_view text, std::string_view lines);

// What the block holds, "" without one.
std::string marked_block(std::string_view text);

}  // namespace warmdump
