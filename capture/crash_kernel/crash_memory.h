// The memory that crashkernel= left for the capture. No heap.

#pragma once

namespace warmdump {

// Says on the console how much memory is free before the capture begins, and that crashkernel= is too small
// if it is less than the capture may come to use. The capture goes on then: what it stores before memory ends
// is a dump, and if the kernel ends it, the console has said why.
void log_memory_at_start();

// Says how much memory is free now that everything has been used.
void log_memory_at_end();

}  // namespace warmdump
