// FrameRepair: reads the whole dump back and makes damaged frames again, until all of it is whole. No heap.
//
// The region was ordinary memory a moment ago; a device that nobody stopped may still write into it, over
// frames that are long finished. Such writes end, so reading everything back once more finds what they did.

#pragma once

#include <cstdint>

#include "capture/writer/dump_writer.h"
#include "common/result.h"

namespace warmdump {

// Who can make frames again.
class FrameSource {
 public:
  // Appends the frame, or frames, with this origin to the writer once more. Errors: those of writing.
  virtual Result<void> make_again(const FrameOrigin& origin) = 0;
  // Asked once a frame; false when time is up.
  virtual bool may_go_on() = 0;

 protected:
  ~FrameSource() = default;
};

// Checks all frames and replaces damaged ones, until a pass finds none, nothing more can be done, or time is
// up. Its counters are in the writer's header. Frames that stay damaged are no error, but counted there.
// Errors: those of writing.
Result<void> repair_frames(DumpWriter& writer, FrameSource& source);

// For the end of a dump: writes both copies of the header and reads them back, together with the end frame
// (made again by `source`) and the zeroed page of info blocks, until all are as they should be or a bound is
// reached. Errors: those of writing.
Result<void> write_checked_header(DumpWriter& writer, FrameSource& source);

}  // namespace warmdump
