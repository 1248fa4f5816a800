#include "upload/policy/send_permission.h"

namespace warmdump {

Permission may_send_now(const PermissionSettings& settings, const Surroundings& surroundings,
                        bool has_pages) {
  if (!surroundings.has_consent) return Permission::no_consent;
  if (surroundings.is_paused) return Permission::paused;
  const bool is_held =
      settings.metered == MeteredUse::never || (settings.metered == MeteredUse::report && has_pages);
  if (surroundings.is_metered && is_held) return Permission::metered;
  if (surroundings.is_on_battery && !settings.sends_on_battery) return Permission::on_battery;
  return Permission::granted;
}

const char* permission_text(Permission permission) {
  switch (permission) {
    case Permission::granted:
      return "";
    case Permission::paused:
      return "uploads are paused; warmdump upload resume ends that";
    case Permission::no_consent:
      return "there is no consent to send dumps";
    case Permission::metered:
      return "the link is metered";
    case Permission::on_battery:
      return "the machine runs on battery";
  }
  return "";
}

}  // namespace warmdump
