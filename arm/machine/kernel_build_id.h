// The GNU build id of the running kernel, by which its debug information is found.

#pragma once

#include <string>
#include <string_view>

namespace warmdump {

// The build id in ELF notes, the bytes of /sys/kernel/notes, as hexadecimal digits; empty when none of them
// is one.
std::string build_id_of_notes(std::string_view notes);

}  // namespace warmdump
