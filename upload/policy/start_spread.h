// After a power cut or a bad update all machines of a fleet have a dump at once. Each begins a while after
// its boot, at a time of its own.

#pragma once

#include <chrono>
#include <string_view>

namespace warmdump {

// From 0 to `spread`, exclusive: the same for one machine in one boot, however often it is asked.
// `machine`: what differs between machines, such as the device's name.
std::chrono::milliseconds spread_delay(std::string_view machine, std::string_view boot_id,
                                       std::chrono::seconds spread);

// How long to wait still: 0 when `since_boot` is behind it.
std::chrono::milliseconds spread_wait(std::string_view machine, std::string_view boot_id,
                                      std::chrono::seconds spread, std::chrono::milliseconds since_boot);

}  // namespace warmdump
