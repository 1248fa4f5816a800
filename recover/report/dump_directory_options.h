// What a dump directory shall hold, and how. From [recover] in the settings, and the command line over it.

#pragma once

#include <string>

namespace warmdump {

struct DumpDirectoryOptions {
  std::string format;       // of the vmcore, a name in output_formats(); empty: the first
  std::string compression;  // one that the format has; empty: its default
  std::string layout;       // names and places; empty: the first
  bool vmcore = true;       // write the vmcore; false: only what tells of it, the same bytes each time
  bool report = true;       // write report.html
  bool redact = false;      // leave personal data out of the text files
};

}  // namespace warmdump
