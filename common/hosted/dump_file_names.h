// The names of the files of a dump directory, which differ by layout, as its meta.json has them.

#pragma once

#include <string>
#include <string_view>

#include "common/hosted/dump_directory_names.h"

namespace warmdump {

struct DumpFileNames {
  std::string vmcore{kVmcoreName};
  std::string dmesg{kDmesgName};
};

// A name that meta.json lacks, as older versions wrote it, or that is no plain name is the default; so are
// all when it is no JSON.
DumpFileNames dump_file_names(std::string_view meta_json);

}  // namespace warmdump
