// Who may have brought memory online in another zone than asked for: for the message of a failure.

#pragma once

#include <filesystem>
#include <string>

namespace warmdump {

// One sentence part that names what the system shows: the kernel's policy when it is another than
// online_movable, udev rules that bring memory online, configuration of daxctl. `root`: "/" but in tests.
std::string likely_online_agent(const std::filesystem::path& root = "/");

}  // namespace warmdump
