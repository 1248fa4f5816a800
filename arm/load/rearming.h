// Loading again after memory or processors were added or removed, once for many events: a machine that gets
// 64 memory blocks tells of each of them, twice.
//
// Who sees an event (the udev rule) touches the file `rearm-wanted` and starts `warmdump arm --reload
// --debounce SECONDS`, directly or by the path unit. The first one waits until that file has been left alone
// for so long, removes it and loads; the others see the lock and leave at once. An event that comes while it
// loads makes the file again, and is looked for before the lock is given up and once more afterwards: none is
// lost.

#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "common/hosted/failure.h"

namespace warmdump {

// However many events keep coming, a reload is not put off longer than this.
inline constexpr unsigned kDebounceRoundsMax = 15;

struct Rearming {
  unsigned reloads = 0;
  bool left_to_another = false;  // that is waiting, or loading
};

// Calls `reload` once for every burst of events until none is left; its failure ends it. With none wanted
// when it begins, it is called once. `run_directory` must exist.
Outcome<Rearming> rearm_when_quiet(const std::string& run_directory, std::chrono::milliseconds quiet,
                                   const std::function<Outcome<void>()>& reload);

}  // namespace warmdump
