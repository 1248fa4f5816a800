// Restarting the machine so that its memory keeps its contents, as far as the kernel can ask for it.

#pragma once

#include <string>

#include "common/hosted/failure.h"

namespace warmdump {

// Sets the kernel to a warm reset where it lets itself be told (/sys/kernel/reboot/mode, since Linux 5.11).
// False where it does not: most firmware makes no difference between the two. `root`: in front of the path,
// for tests.
bool prefer_warm_reset(const std::string& root = "");

// Restarts the machine, in order where systemd runs (returns at once, the restart follows), else at once
// after a sync(2) and then does not return. Errors: what systemctl says; no_permission.
Outcome<void> restart_machine();

}  // namespace warmdump
