// Keys of a fleet as files, and what they wrap; also for who means harm.

#include "common/hosted/fleet_key.h"

#include <gmock/gmock.h>

#include <random>

namespace warmdump {
namespace {

using testing::HasSubstr;

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  return text.replace(text.find(from), from.size(), to);
}

class FleetKeys : public testing::Test {
 protected:
  const FleetPrivateKey private_ = *FleetPrivateKey::fresh();
  const FleetPublicKey public_ = private_.public_key();
  const Secret key_ = *Secret::fresh();
  const Secret secret_ = *Secret::fresh();
};

TEST_F(FleetKeys, survive_their_files) {
  const auto read_public = FleetPublicKey::parse(public_.text());
  ASSERT_TRUE(read_public) << read_public.error().message;
  EXPECT_EQ(read_public->bytes(), public_.bytes());
  const auto read_private = FleetPrivateKey::parse(private_.text());
  ASSERT_TRUE(read_private) << read_private.error().message;
  EXPECT_EQ(read_private->public_key().bytes(), public_.bytes());
  EXPECT_TRUE(public_.text().starts_with("warmdump fleet public key 1\n"));
  EXPECT_TRUE(private_.text().starts_with("warmdump fleet PRIVATE key 1\n"));
  EXPECT_THAT(public_.text(), HasSubstr("\nid " + key_id_text(public_.id()) + "\n"));
  const std::string windows = replaced(public_.text(), "1\n", "1\r\n");
  EXPECT_TRUE(FleetPublicKey::parse(windows).has_value());
}

TEST_F(FleetKeys, are_not_taken_for_each_other) {
  EXPECT_THAT(FleetPublicKey::parse(private_.text()).error().message, HasSubstr("PRIVATE key"));
  EXPECT_THAT(FleetPrivateKey::parse(public_.text()).error().message, HasSubstr("public key"));
}

TEST_F(FleetKeys, of_damaged_files_are_refused) {
  const std::string text = public_.text();
  const std::string id = key_id_text(public_.id());
  for (const std::string& wrong : {std::string(), std::string("\n"), text.substr(0, 20), text.substr(0, 40),
                                   replaced(text, "key 1", "key 2"), replaced(text, "\nkey ", "\nkey 0"),
                                   replaced(text, id, "0123456789abcdef"), replaced(text, "\nid ", "\nix "),
                                   text.substr(0, text.size() - 9)}) {
    const auto parsed = FleetPublicKey::parse(wrong);
    ASSERT_FALSE(parsed.has_value()) << wrong;
    EXPECT_EQ(parsed.error().code, ErrorCode::invalid);
  }
}

TEST_F(FleetKeys, open_what_was_wrapped_for_them) {
  const auto wrapped = public_.wrap(key_, secret_);
  ASSERT_TRUE(wrapped);
  const auto keys = private_.unwrap(*wrapped);
  ASSERT_TRUE(keys) << keys.error().message;
  EXPECT_EQ(keys->encryption_key, key_);
  EXPECT_EQ(keys->boot_secret, secret_);
  EXPECT_NE(*public_.wrap(key_, secret_), *wrapped);
}

TEST_F(FleetKeys, open_nothing_else) {
  const WrappedKey wrapped = *public_.wrap(key_, secret_);
  EXPECT_EQ(FleetPrivateKey::fresh()->unwrap(wrapped).error().code, ErrorCode::refused);
  for (std::size_t bit = 0; bit < wrapped.size() * 8; ++bit) {
    WrappedKey changed = wrapped;
    changed[bit / 8] = static_cast<unsigned char>(changed[bit / 8] ^ (1U << bit % 8));
    // The top bit of an X25519 point is no part of it, but of what the seal's nonce is made from.
    EXPECT_FALSE(private_.unwrap(changed).has_value()) << bit;
  }
  std::mt19937 random(5);
  for (unsigned round = 0; round < 100; ++round) {
    WrappedKey noise;
    for (unsigned char& byte : noise) byte = static_cast<unsigned char>(random());
    EXPECT_FALSE(private_.unwrap(noise).has_value());
  }
  EXPECT_FALSE(private_.unwrap(WrappedKey{}).has_value());
}

TEST_F(FleetKeys, that_no_pair_can_have_wrap_nothing) {
  EXPECT_FALSE(FleetPublicKey(std::array<unsigned char, 32>{}).wrap(key_, secret_).has_value());
}

}  // namespace
}  // namespace warmdump
