// Has the owner of the machine agreed that dumps leave it?

#pragma once

#include <string>

namespace warmdump {

// `path`: [consent] file of the settings, of which only the presence counts: a plain file, or a link to one.
// Empty: nobody asked for consent to be given, so it need not be. What cannot be looked at is no consent.
bool has_consent(const std::string& path);

}  // namespace warmdump
