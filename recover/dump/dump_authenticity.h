// Whether a dump was made by the crash kernel that this machine armed: what its seal
// (common/dump_format/dump_seal.h) says, beside the secrets of the boots that were armed.

#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/dump_format/dump_seal.h"
#include "common/hosted/arm_record.h"

namespace warmdump {

struct SealSecret {
  std::string boot_id;
  std::array<unsigned char, dump_format::kSecretSize> secret{};
};

enum class Authenticity {
  unchecked,     // no secrets were given to check it with
  sealed,        // header and every frame taken carry the seal of a known secret
  unsealed,      // it carries no seal: anybody can have made it
  unknown_boot,  // sealed, it says, in a boot whose secret is not known: anybody can have made it
};

// "sealed", "unsealed", "unknown boot", "unchecked".
const char* authenticity_name(Authenticity authenticity);

// Those in the records of `warmdump arm`; none when there are none, or this user may not read them.
std::vector<SealSecret> recorded_secrets(const ArmRecords& records = ArmRecords());

// The secret of this boot; nullptr when it is not among `secrets`.
const SealSecret* find_secret(std::span<const SealSecret> secrets, std::string_view boot_id);

}  // namespace warmdump
