// Names in the spool: what recover writes and upload sends. The only hand-over between the two.

#pragma once

#include <string_view>

namespace warmdump {

// Present in every finished dump directory, but the log where it could not be read. meta.json is written last
// by recover and sent last by upload: whoever sees it may rely on the other files.
inline constexpr std::string_view kVmcoreName = "vmcore";
inline constexpr std::string_view kDmesgName = "vmcore-dmesg.txt";
inline constexpr std::string_view kMetaName = "meta.json";

// At the end of the name of a directory, or of a file in one, that is still being written.
inline constexpr std::string_view kIncompleteSuffix = "-incomplete";

}  // namespace warmdump
