// How long work tells how far it is.

#pragma once

#include <functional>

#include "common/units.h"

namespace warmdump {

// Pages done, of how many. May come from any thread, but never from two at once; must not throw. May be
// empty.
using ProgressFunction = std::function<void(PageCount done, PageCount total)>;

}  // namespace warmdump
