#include "recover/dump/encrypted_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace warmdump {

Outcome<UnwrappedKeys> unwrap_key(const dump_format::KeyBlob& wrapped, const FleetPrivateKey& key) {
  const std::string key_id = key_id_text(wrapped.key_id);
  const std::string own_id = key_id_text(key.public_key().id());
  if (key_id != own_id) {
    return Failure(ErrorCode::refused,
                   fmt::format("the dump is encrypted for fleet key {}, and this is {}", key_id, own_id));
  }
  if (wrapped.cipher != static_cast<std::uint32_t>(dump_format::Cipher::chacha20)) {
    return Failure(ErrorCode::unsupported, fmt::format("the dump is encrypted with cipher {}, which this "
                                                       "version does not know",
                                                       std::uint32_t{wrapped.cipher}));
  }
  WrappedKey bytes;
  std::copy(std::begin(wrapped.wrapped_key), std::end(wrapped.wrapped_key), bytes.begin());
  return key.unwrap(bytes);
}

}  // namespace warmdump
