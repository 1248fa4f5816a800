// The keys of a fleet: an X25519 pair whose public half is on every machine, and whose private half is where
// dumps are looked at. Each is a small text file, see fleet_key_text.
//
// A machine wraps two things for the public key: the key that its next dump is encrypted with, and the secret
// of its boot. Who has the private key can then read the dump, and tell whether it was changed since.

#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>

#include "common/dump_format/dump_format.h"
#include "common/hosted/failure.h"
#include "common/hosted/secret.h"

namespace warmdump {

using WrappedKey = std::array<unsigned char, dump_format::kWrappedKeySize>;

// 16 hexadecimal digits, by which people and dumps name a fleet key: the start of a hash of the public one.
std::string key_id_text(std::span<const unsigned char, dump_format::kKeyIdSize> id);

class FleetPublicKey {
 public:
  static constexpr std::size_t kSize = 32;

  // Errors: invalid, with what is wrong and what to do; the private key in its place is one.
  static Outcome<FleetPublicKey> parse(std::string_view text);
  // `parse` of a file, with its name. Errors of reading, too.
  static Outcome<FleetPublicKey> read(const std::string& path);

  explicit FleetPublicKey(const std::array<unsigned char, kSize>& bytes) : bytes_(bytes) {}

  std::array<unsigned char, dump_format::kKeyIdSize> id() const;
  const std::array<unsigned char, kSize>& bytes() const { return bytes_; }
  // The text of its file.
  std::string text() const;

  // Another one at each call. Error invalid: the key is one that no pair has.
  Outcome<WrappedKey> wrap(const Secret& encryption_key, const Secret& boot_secret) const;

 private:
  std::array<unsigned char, kSize> bytes_;
};

struct UnwrappedKeys {
  Secret encryption_key;
  Secret boot_secret;
};

class FleetPrivateKey {
 public:
  static Outcome<FleetPrivateKey> fresh();
  // As of FleetPublicKey.
  static Outcome<FleetPrivateKey> parse(std::string_view text);
  static Outcome<FleetPrivateKey> read(const std::string& path);

  FleetPublicKey public_key() const;
  std::string text() const;  // the caller wipes it

  // Error refused: wrapped for another key, or changed.
  Outcome<UnwrappedKeys> unwrap(const WrappedKey& wrapped) const;

 private:
  explicit FleetPrivateKey(const Secret& bytes) : bytes_(bytes) {}

  Secret bytes_;
};

}  // namespace warmdump
