#include "recover/dump/dump_authenticity.h"

#include <algorithm>

namespace warmdump {

const char* authenticity_name(Authenticity authenticity) {
  switch (authenticity) {
    case Authenticity::unchecked:
      break;
    case Authenticity::sealed:
      return "sealed";
    case Authenticity::unsealed:
      return "unsealed";
    case Authenticity::unknown_boot:
      return "unknown boot";
  }
  return "unchecked";
}

std::vector<SealSecret> recorded_secrets(const ArmRecords& records) {
  std::vector<SealSecret> secrets;
  for (const ArmRecord& record : records.all())
    if (record.secret.is_set()) secrets.push_back({record.boot_id, record.secret.bytes()});
  return secrets;
}

const SealSecret* find_secret(std::span<const SealSecret> secrets, std::string_view boot_id) {
  const auto found = std::find_if(secrets.begin(), secrets.end(),
                                  [&](const SealSecret& secret) { return secret.boot_id == boot_id; });
  return found == secrets.end() ? nullptr : &*found;
}

}  // namespace warmdump
