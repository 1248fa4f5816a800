// The UUID of the DAX device that recovery makes of the region. Always the same, so that daxctl.conf, people,
// and `warmdump status` can tell the device from one that somebody else made.

#pragma once

namespace warmdump {

inline constexpr unsigned char kRegionDaxUuid[16] = {0x6d, 0x1f, 0x0c, 0x52, 0x8e, 0x37, 0x4b, 0x9a,
                                                     0xa4, 0x10, 0x77, 0xe3, 0x5b, 0xd9, 0x26, 0xc8};

// The same as sysfs prints it.
inline constexpr const char* kRegionDaxUuidText = "6d1f0c52-8e37-4b9a-a410-77e35bd926c8";

}  // namespace warmdump
