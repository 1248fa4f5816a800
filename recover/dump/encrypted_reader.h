// An encrypted dump, opened by who does not have the private key and can ask somebody who has.

#pragma once

#include <functional>

#include "common/dump_format/dump_format.h"
#include "common/hosted/fleet_key.h"
#include "recover/dump/dump_reader.h"

namespace warmdump {

// Whoever has the private key. Called once, with what the dump has.
using KeyUnwrapper = std::function<Outcome<UnwrappedKeys>(const dump_format::KeyBlob& wrapped)>;

// DumpReader::open_encrypted, otherwise. Errors: those of it, and of `unwrap`.
Outcome<DumpReader> open_encrypted_dump(const Device& region, const KeyUnwrapper& unwrap);

// What such a one does. Errors: refused (for another key, with the names of both; changed), unsupported
// (another cipher).
Outcome<UnwrappedKeys> unwrap_key(const dump_format::KeyBlob& wrapped, const FleetPrivateKey& key);

}  // namespace warmdump
