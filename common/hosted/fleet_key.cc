#include "common/hosted/fleet_key.h"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <cstring>
#include <span>

#include "common/hosted/sha256.h"
#include "common/hosted/whole_file.h"

namespace warmdump {
namespace {

constexpr ByteCount kKeyFileSizeMax = 4 * kKiB;
constexpr std::string_view kPublicTitle = "warmdump fleet public key 1";
constexpr std::string_view kPrivateTitle = "warmdump fleet PRIVATE key 1";

// What is inside of a wrapped key, before libsodium seals it.
struct Wrapping {
  unsigned char context[16];
  unsigned char encryption_key[Secret::kSize];
  unsigned char boot_secret[Secret::kSize];

  ~Wrapping() { sodium_memzero(this, sizeof(*this)); }
};
constexpr unsigned char kContext[16] = {'w', 'a', 'r', 'm', 'd', 'u', 'm', 'p',
                                        ' ', 'w', 'r', 'a', 'p', ' ', '1', 0};
static_assert(sizeof(Wrapping) + crypto_box_SEALBYTES == dump_format::kWrappedKeySize);
static_assert(FleetPublicKey::kSize == crypto_box_PUBLICKEYBYTES &&
              Secret::kSize == crypto_box_SECRETKEYBYTES);

// The value of a line "name value"; empty when there is none.
std::string_view value_of(std::string_view text, std::string_view name) {
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.starts_with(name) && line.substr(name.size()).starts_with(' ')) {
      return line.substr(name.size() + 1);
    }
  }
  return {};
}

std::string key_text(std::string_view title, std::string_view explanation, const FleetPublicKey& public_key,
                     std::string_view digits) {
  return fmt::format("{}\n# {}\nid {}\nkey {}\n", title, explanation, key_id_text(public_key.id()), digits);
}

// The bytes of a key file with this title, and the id it says it has.
struct ParsedKey {
  Secret bytes;
  std::string_view id;
};
Outcome<ParsedKey> parse_key(std::string_view text, std::string_view title) {
  std::string_view first = text.substr(0, text.find('\n'));
  if (first.ends_with('\r')) first.remove_suffix(1);
  if (first != title) {
    return Failure(
        ErrorCode::invalid,
        fmt::format("no key file: its first line must be \"{}\"; `warmdump keygen` makes one", title));
  }
  const std::string_view digits = value_of(text, "key");
  if (digits.empty()) return Failure(ErrorCode::invalid, "the key file is damaged: it has no line \"key\"");
  ParsedKey key{TRY(in_context("the key file is damaged: its key", Secret::parse(digits))),
                value_of(text, "id")};
  return key;
}

Outcome<void> check_id(std::string_view id, const FleetPublicKey& key) {
  if (id == key_id_text(key.id())) return {};
  return Failure(ErrorCode::invalid,
                 fmt::format("the key file is damaged: its id is \"{}\", that of its key {}", id,
                             key_id_text(key.id())));
}

template <class Key>
Outcome<Key> read_key(const std::string& path) {
  auto text = read_whole_file(path, kKeyFileSizeMax);
  if (!text.has_value()) return std::move(text.error());
  const WipedText wiped(std::move(*text));
  return in_context(path, Key::parse(wiped.text()));
}

}  // namespace

std::string key_id_text(std::span<const unsigned char, dump_format::kKeyIdSize> id) {
  return hexadecimal_text({reinterpret_cast<const char*>(id.data()), id.size()});
}

Outcome<FleetPublicKey> FleetPublicKey::parse(std::string_view text) {
  if (text.starts_with(kPrivateTitle)) {
    return Failure(ErrorCode::invalid,
                   "this is the PRIVATE key of the fleet: it must not be on a machine whose dumps are "
                   "encrypted; give the public one");
  }
  const ParsedKey parsed = TRY(parse_key(text, kPublicTitle));
  const FleetPublicKey key(parsed.bytes.bytes());
  TRY(check_id(parsed.id, key));
  return key;
}

Outcome<FleetPublicKey> FleetPublicKey::read(const std::string& path) {
  return read_key<FleetPublicKey>(path);
}

std::array<unsigned char, dump_format::kKeyIdSize> FleetPublicKey::id() const {
  unsigned char hash[crypto_generichash_blake2b_BYTES_MIN];
  crypto_generichash_blake2b(hash, sizeof(hash), bytes_.data(), bytes_.size(), nullptr, 0);
  std::array<unsigned char, dump_format::kKeyIdSize> id;
  std::memcpy(id.data(), hash, id.size());
  return id;
}

std::string FleetPublicKey::text() const {
  const std::string digits = hexadecimal_text({reinterpret_cast<const char*>(bytes_.data()), bytes_.size()});
  return key_text(kPublicTitle, "For every machine of the fleet: fleet_public_key in [arm] of the settings.",
                  *this, digits);
}

Outcome<WrappedKey> FleetPublicKey::wrap(const Secret& encryption_key, const Secret& boot_secret) const {
  Wrapping wrapping;
  std::memcpy(wrapping.context, kContext, sizeof(kContext));
  std::memcpy(wrapping.encryption_key, encryption_key.bytes().data(), Secret::kSize);
  std::memcpy(wrapping.boot_secret, boot_secret.bytes().data(), Secret::kSize);
  WrappedKey wrapped;
  const auto* const message = reinterpret_cast<const unsigned char*>(&wrapping);
  if (sodium_init() < 0 || crypto_box_seal(wrapped.data(), message, sizeof(wrapping), bytes_.data()) != 0) {
    return Failure(ErrorCode::invalid, "the fleet's public key is none that a pair can have");
  }
  return wrapped;
}

Outcome<FleetPrivateKey> FleetPrivateKey::fresh() {
  return FleetPrivateKey(TRY(Secret::fresh()));
}

Outcome<FleetPrivateKey> FleetPrivateKey::parse(std::string_view text) {
  if (text.starts_with(kPublicTitle)) {
    return Failure(ErrorCode::invalid, "this is the public key of the fleet; give the private one");
  }
  const ParsedKey parsed = TRY(parse_key(text, kPrivateTitle));
  const FleetPrivateKey key(parsed.bytes);
  TRY(check_id(parsed.id, key.public_key()));
  return key;
}

Outcome<FleetPrivateKey> FleetPrivateKey::read(const std::string& path) {
  return read_key<FleetPrivateKey>(path);
}

FleetPublicKey FleetPrivateKey::public_key() const {
  std::array<unsigned char, FleetPublicKey::kSize> bytes;
  crypto_scalarmult_base(bytes.data(), bytes_.bytes().data());
  return FleetPublicKey(bytes);
}

std::string FleetPrivateKey::text() const {
  const WipedText digits(bytes_.hexadecimal());
  return key_text(kPrivateTitle,
                  "Opens every dump of the fleet: keep it where dumps are looked at, only there.",
                  public_key(), digits.text());
}

Outcome<UnwrappedKeys> FleetPrivateKey::unwrap(const WrappedKey& wrapped) const {
  Wrapping wrapping;
  const FleetPublicKey own = public_key();
  const bool is_open = crypto_box_seal_open(reinterpret_cast<unsigned char*>(&wrapping), wrapped.data(),
                                            wrapped.size(), own.bytes().data(), bytes_.bytes().data()) == 0;
  if (!is_open || std::memcmp(wrapping.context, kContext, sizeof(kContext)) != 0) {
    return Failure(ErrorCode::refused, "the key of the dump cannot be opened with this private key");
  }
  return UnwrappedKeys{Secret::of(wrapping.encryption_key), Secret::of(wrapping.boot_secret)};
}

}  // namespace warmdump
