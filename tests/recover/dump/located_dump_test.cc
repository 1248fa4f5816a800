#include "recover/dump/located_dump.h"

#include <gtest/gtest.h>

#include <cstring>

#include "tests/support/dump_builder.h"

namespace warmdump::test {
namespace {

using dump_format::State;

SealSecret secret_of(const std::string& boot_id, unsigned char byte) {
  SealSecret secret{.boot_id = boot_id, .secret = {}};
  secret.secret.fill(byte);
  return secret;
}

const SealSecret kSecret = secret_of("4a2e9d10-3c5f-4b7e-8a61-0d9c2f4e6b88", 0x5a);

MemoryDevice make_dump(const SealSecret* secret, State state = State::complete) {
  DumpBuilder builder;
  if (secret != nullptr) builder.seal_with(*secret);
  const test::Run run{0x100, 16, dump_format::RunContent::data};
  builder.add_pages({&run, 1});
  builder.add_end();
  return builder.build(state);
}

TEST(LocatedDump, sealed_frames_beside_a_header_that_says_no_capture_began_are_a_dump) {
  for (const State state : {State::empty, State::cleared}) {
    const MemoryDevice region = make_dump(&kSecret, state);
    const auto located = locate_dump(region, std::span(&kSecret, 1));
    ASSERT_TRUE(located.has_value()) << located.error().message;
    EXPECT_EQ(located->authenticity, Authenticity::sealed);
    EXPECT_EQ(located->boot_id, kSecret.boot_id);
    EXPECT_FALSE(located->header.has_value());
  }
}

TEST(LocatedDump, other_frames_beside_such_a_header_are_none) {
  const SealSecret other = secret_of(kSecret.boot_id, 0x77);
  for (const SealSecret* secret : {static_cast<const SealSecret*>(nullptr), &other}) {
    const MemoryDevice region = make_dump(secret, State::cleared);
    for (const std::size_t known : {std::size_t{0}, std::size_t{1}}) {
      const auto located = locate_dump(region, std::span(&kSecret, known));
      ASSERT_FALSE(located.has_value());
      EXPECT_EQ(located.error().code, ErrorCode::not_found);
    }
  }
}

TEST(LocatedDump, lost_headers_leave_the_boot_to_be_told_by_the_seal) {
  MemoryDevice region = make_dump(&kSecret);
  for (const ByteCount offset : {dump_format::kHeaderOffset, dump_format::kHeaderCopyOffset})
    std::memset(region.bytes.data() + offset, 0, dump_format::kHeaderSize);
  const SealSecret secrets[] = {secret_of("another", 1), kSecret};
  const auto located = locate_dump(region, secrets);
  ASSERT_TRUE(located.has_value()) << located.error().message;
  EXPECT_EQ(located->boot_id, kSecret.boot_id);
  EXPECT_EQ(located->authenticity, Authenticity::sealed);
}

}  // namespace
}  // namespace warmdump::test
