// What a region, or an image of one, holds, for a person or a program that asks. The dump is read in a
// confined child process (sandbox/reader_task.h).

#pragma once

#include <functional>
#include <optional>
#include <string>

#include "common/file_device.h"
#include "common/hosted/failure.h"
#include "recover/dump/dump_authenticity.h"
#include "recover/report/dump_map.h"
#include "recover/report/dump_summary.h"

namespace warmdump {

enum class DumpView { summary, map, log };

struct ViewRequest {
  DumpView view = DumpView::summary;
  // A region of this machine: of a dump that nothing proves not one frame is decoded.
  bool is_own_region = false;
  std::function<void(unsigned stage, ByteCount done, ByteCount total)> progress = {};
  // Hears what protection this system lacks, a sentence each.
  std::function<void(const std::string&)> missing = {};
};

struct DumpContent {
  bool complete = false;
  std::optional<DumpSummary> summary;    // for DumpView::summary
  std::optional<DumpMap> map;            // for DumpView::map
  std::string log;                       // for DumpView::log; from anybody: may hold any byte
  std::optional<Authenticity> unproven;  // not read for that: only what the header says may be believed
};

// `region` is open for reading. Errors: those of DumpReader::open; not_found (no log), refused (log or map of
// an encrypted dump), those of run_reader_task.
Outcome<DumpContent> view_dump(const FileDevice& region, const ViewRequest& request);

}  // namespace warmdump
