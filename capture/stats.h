// Counters of a finished capture, as key=value lines on standard output. No heap.

#pragma once

#include "capture/capture_pipeline.h"

namespace warmdump {

void print_stats(const CaptureReport& report);

}  // namespace warmdump
