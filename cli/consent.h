// Asking before something that ends the running system.

#pragma once

#include <string>

#include "common/hosted/failure.h"

namespace warmdump {

// Success when `yes` is set, or when somebody at the terminal types "yes" to "<what happens> Go on? ...".
// Error refused: no terminal, or another answer.
Outcome<void> ask_consent(const std::string& what_happens, bool yes);

}  // namespace warmdump
