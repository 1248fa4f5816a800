// Names in the spool: what recover writes and upload sends. The only hand-over between the two.

#pragma once

#include <string_view>

namespace warmdump {

// Present in every finished dump directory, but the log where it could not be read; of an encrypted dump only
// its image and meta.json. meta.json is written last by recover and sent last by upload: whoever sees it may
// rely on the other files.
inline constexpr std::string_view kVmcoreName = "vmcore";
inline constexpr std::string_view kDmesgName = "vmcore-dmesg.txt";
inline constexpr std::string_view kMetaName = "meta.json";
// Where they were asked for, and a dump of an older version has neither.
inline constexpr std::string_view kReportName = "report.html";
inline constexpr std::string_view kMemoryMapName = "memory-map.json";

// In place of vmcore where the pages are kept as the capture stored them, as those of an encrypted dump are:
// see recover/output/dump_image.h.
inline constexpr std::string_view kImageName = "dump.warmdump";

// At the end of the name of a directory, or of a file in one, that is still being written.
inline constexpr std::string_view kIncompleteSuffix = "-incomplete";

// In the spool: dumps that nothing proves to be the crash kernel's, saved on request. Nobody sends them.
inline constexpr std::string_view kUnauthenticatedDirectory = "unauthenticated";

}  // namespace warmdump
