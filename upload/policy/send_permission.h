// May something be sent now? Asked before each object and between pieces, of what is seen at that time.

#pragma once

#include <string>

namespace warmdump {

// What is sent over a link that is paid for by the byte.
enum class MeteredUse {
  never,   // nothing
  report,  // the small report, not the pages of memory
  always,
};

// What the machine is like at the moment.
struct Surroundings {
  bool is_paused = false;      // somebody stopped uploads for now
  bool has_consent = true;     // nobody has said that dumps must not leave this machine
  bool is_metered = false;     // unknown counts as not
  bool is_on_battery = false;  // unknown counts as not
};

struct PermissionSettings {
  MeteredUse metered = MeteredUse::report;
  bool sends_on_battery = true;
};

enum class Permission {
  granted,
  paused,
  no_consent,  // what waits is dropped
  metered,
  on_battery,
};

Permission may_send_now(const PermissionSettings& settings, const Surroundings& surroundings, bool has_pages);

// For people: "uploads are paused", ... Empty when granted.
const char* permission_text(Permission permission);

}  // namespace warmdump
