// Which secrets the reader of a dump gets: that of its boot, and what that costs nobody's judgement.

#include "recover/sandbox/reader_secrets.h"

#include <gmock/gmock.h>

#include <cstring>

#include "recover/dump/located_dump.h"
#include "recover/dump_reader_extractor.h"
#include "tests/recover/sandbox/sandbox_fixture.h"
#include "tests/support/dump_builder.h"
#include "tests/support/memory_device.h"

namespace warmdump {
namespace {

using dump_format::kHeaderCopyOffset, dump_format::kHeaderOffset, dump_format::kHeaderSize;

const std::string kBoots[] = {"aaaaaaaa-0000-0000-0000-000000000000", "bbbbbbbb-0000-0000-0000-000000000000",
                              "cccccccc-0000-0000-0000-000000000000"};

class ReaderSecrets : public testing::Test {
 protected:
  ReaderSecrets() {
    for (const std::string& boot : kBoots) record(boot);
  }
  void record(const std::string& boot) {
    ArmRecord record;
    record.boot_id = boot;
    record.secret = *Secret::fresh();
    EXPECT_TRUE(records_.store(record));
    secrets_.push_back({boot, record.secret.bytes()});
  }
  static test::MemoryDevice dump_of(const SealSecret* secret) {
    test::DumpBuilder builder;
    if (secret != nullptr) builder.seal_with(*secret);
    const test::Run run{0x100, 16, dump_format::RunContent::data};
    builder.add_pages({&run, 1});
    builder.add_end();
    return builder.build();
  }
  static void lose_headers(test::MemoryDevice& region) {
    for (const ByteCount offset : {kHeaderOffset, kHeaderCopyOffset})
      std::memset(region.bytes.data() + offset, 0, kHeaderSize);
  }
  // As who knows all secrets judges, and as who knows the chosen one does.
  void expect_same_judgement(const test::MemoryDevice& region) {
    const auto chosen = secrets_for_reader(region, records_);
    const auto with_all = locate_dump(region, secrets_);
    const auto with_one = locate_dump(region, chosen);
    ASSERT_EQ(with_all.has_value(), with_one.has_value());
    if (!with_all) {
      EXPECT_EQ(with_all.error().message, with_one.error().message);
      return;
    }
    EXPECT_EQ(with_all->authenticity, with_one->authenticity);
    EXPECT_EQ(with_all->boot_id, with_one->boot_id);
    EXPECT_EQ(with_all->dump_id, with_one->dump_id);
  }

  SandboxOptions options() {
    SandboxOptions options;
    options.spool = temporary_.path();
    options.user = "nobody";
    options.secrets = [this](const Device& region) { return secrets_for_reader(region, records_); };
    return options;
  }

  test::TemporaryDirectory temporary_;
  ArmRecords records_{temporary_.path() / "records"};
  std::vector<SealSecret> secrets_;
};

TEST_F(ReaderSecrets, the_one_of_the_boot_that_the_header_names) {
  for (const SealSecret& secret : secrets_) {
    const auto chosen = secrets_for_reader(dump_of(&secret), records_);
    ASSERT_EQ(chosen.size(), 1U);
    EXPECT_EQ(chosen[0].boot_id, secret.boot_id);
    EXPECT_EQ(chosen[0].secret, secret.secret);
  }
}

TEST_F(ReaderSecrets, without_headers_the_one_that_has_sealed_a_frame) {
  for (const SealSecret& secret : secrets_) {
    auto region = dump_of(&secret);
    lose_headers(region);
    const auto chosen = secrets_for_reader(region, records_);
    ASSERT_EQ(chosen.size(), 1U);
    EXPECT_EQ(chosen[0].boot_id, secret.boot_id);
    EXPECT_EQ(chosen[0].secret, secret.secret);
  }
}

TEST_F(ReaderSecrets, a_made_up_one_for_what_no_known_boot_has_sealed) {
  const SealSecret unknown{.boot_id = "dddddddd-0000-0000-0000-000000000000", .secret = {7}};
  for (const SealSecret* secret : {static_cast<const SealSecret*>(nullptr), &unknown}) {
    for (const bool has_header : {true, false}) {
      auto region = dump_of(secret);
      if (!has_header) lose_headers(region);
      const auto chosen = secrets_for_reader(region, records_);
      ASSERT_EQ(chosen.size(), 1U);
      for (const SealSecret& known : secrets_) {
        EXPECT_NE(chosen[0].boot_id, known.boot_id);
        EXPECT_NE(chosen[0].secret, known.secret);
      }
    }
  }
}

TEST_F(ReaderSecrets, none_where_no_boot_was_armed) {
  const ArmRecords none(temporary_.path() / "nothing");
  EXPECT_TRUE(secrets_for_reader(dump_of(&secrets_[0]), none).empty());
}

TEST_F(ReaderSecrets, judge_like_all_of_them) {
  const SealSecret unknown{.boot_id = "dddddddd-0000-0000-0000-000000000000", .secret = {7}};
  SealSecret forged = secrets_[1];
  forged.secret[0] ^= 1;
  for (const SealSecret* secret :
       {static_cast<const SealSecret*>(nullptr), &unknown, static_cast<const SealSecret*>(&forged),
        static_cast<const SealSecret*>(&secrets_[0]), static_cast<const SealSecret*>(&secrets_[2])}) {
    auto region = dump_of(secret);
    expect_same_judgement(region);
    lose_headers(region);
    expect_same_judgement(region);
  }
  expect_same_judgement(test::MemoryDevice(16 * kMiB));
}

// Says in the reader whose secrets it was sent.
class SaysWhatItKnows final : public DumpExtractor {
 public:
  Outcome<std::optional<DumpIdentity>> identify(const Device&) override {
    return Failure(ErrorCode::refused, boots_);
  }
  Outcome<ExtractedDump> extract(const Device&, const std::filesystem::path&, const Progress&) override {
    return Failure(ErrorCode::refused, boots_);
  }
  void use_secrets(std::vector<SealSecret> secrets) override {
    for (const SealSecret& secret : secrets) boots_ += secret.boot_id + ";";
  }

 private:
  std::string boots_;
};

TEST_F(ReaderSecrets, are_handed_over_to_the_reader_alone) {
  SaysWhatItKnows inner;
  SandboxedExtractor sandboxed(inner, options());
  const auto told = sandboxed.identify(dump_of(&secrets_[1]));
  ASSERT_FALSE(told.has_value());
  EXPECT_EQ(told.error().message, secrets_[1].boot_id + ";");
}

// A reader that was taken over may say anything, but not that it has checked what it cannot check.
class Pretender final : public DumpExtractor {
 public:
  Outcome<std::optional<DumpIdentity>> identify(const Device&) override {
    DumpIdentity identity;
    identity.authenticity = Authenticity::sealed;
    identity.boot_id = kBoots[0];
    return std::optional<DumpIdentity>(identity);
  }
  Outcome<ExtractedDump> extract(const Device&, const std::filesystem::path&, const Progress&) override {
    return Failure(ErrorCode::io, "not asked");
  }
};

TEST_F(ReaderSecrets, of_another_boot_are_not_claimed_to_have_been_checked) {
  Pretender inner;
  SandboxedExtractor sandboxed(inner, options());
  EXPECT_TRUE(sandboxed.identify(dump_of(&secrets_[0])).has_value());
  for (const SealSecret* other :
       {static_cast<const SealSecret*>(&secrets_[1]), static_cast<const SealSecret*>(nullptr)}) {
    const auto identity = sandboxed.identify(dump_of(other));
    ASSERT_FALSE(identity.has_value());
    EXPECT_THAT(identity.error().message, testing::HasSubstr("a seal whose secret it does not know"));
  }
}

}  // namespace
}  // namespace warmdump
