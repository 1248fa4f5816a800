#include "recover/sandbox/extractor_messages.h"

#include <gmock/gmock.h>

#include <functional>

namespace warmdump {
namespace {

using nlohmann::json;
using testing::ElementsAre, testing::HasSubstr;

DumpIdentity some_identity() {
  DumpIdentity identity;
  for (std::size_t i = 0; i < identity.id.size(); ++i) identity.id[i] = static_cast<std::byte>(0x19 * i + 1);
  identity.crash_time_s = 1'700'000'000;
  identity.authenticity = Authenticity::sealed;
  identity.boot_id = "5a5a-boot";
  return identity;
}

ExtractedDump some_dump() {
  ExtractedDump dump;
  dump.complete = true;
  dump.completeness = "incomplete: 3 pages lost";
  dump.authenticity = "unknown boot";
  dump.key_id = "0123456789abcdef";
  dump.crash_text = "Kernel panic - not syncing";
  dump.signature = "w1-0123456789ab";
  dump.signature_text = "panic: sysrq_handle_crash";
  return dump;
}

TEST(ExtractorMessages, values_come_back) {
  const DumpIdentity identity = some_identity();
  const auto identified = identity_of(as_message(std::optional(identity)));
  ASSERT_TRUE(identified.has_value() && *identified);
  EXPECT_EQ((*identified)->id, identity.id);
  EXPECT_EQ((*identified)->crash_time_s, identity.crash_time_s);
  EXPECT_EQ((*identified)->authenticity, identity.authenticity);
  EXPECT_EQ((*identified)->boot_id, identity.boot_id);
  EXPECT_FALSE(*identity_of(as_message(std::optional<DumpIdentity>())));

  const ExtractedDump dump = some_dump();
  const auto extracted = extracted_of(as_message(dump));
  ASSERT_TRUE(extracted.has_value());
  EXPECT_EQ(extracted->complete, dump.complete);
  EXPECT_EQ(extracted->completeness, dump.completeness);
  EXPECT_EQ(extracted->authenticity, dump.authenticity);
  EXPECT_EQ(extracted->key_id, dump.key_id);
  EXPECT_EQ(extracted->crash_text, dump.crash_text);
  EXPECT_EQ(extracted->signature, dump.signature);
  EXPECT_EQ(extracted->signature_text, dump.signature_text);

  Failure failure(ErrorCode::no_space, "no space for vmcore");
  failure.system_errno = 28;
  const auto failed = failure_of(as_message(failure));
  ASSERT_TRUE(failed.has_value());
  EXPECT_EQ(failed->failure.code, ErrorCode::no_space);
  EXPECT_EQ(failed->failure.system_errno, 28);
  EXPECT_EQ(failed->failure.message, "no space for vmcore");

  EXPECT_EQ(progress_of(progress_message(3, 7))->done, 3);
  EXPECT_EQ(progress_of(progress_message(3, 7))->total, 7);
  EXPECT_THAT(*missing_of(confined_message({"no network namespace (x)"})),
              ElementsAre("no network namespace (x)"));
}

TEST(ExtractorMessages, each_member_that_is_missing_or_of_another_type_is_named) {
  const auto check = [](const json& good, const std::function<std::string(const json&)>& error_of) {
    for (const auto& [name, value] : good.items()) {
      if (name == "type") continue;
      json missing = good;
      missing.erase(name);
      EXPECT_THAT(error_of(missing), HasSubstr("\"" + name + "\""));
      for (const json& wrong : {json(nullptr), json::array(), json::object(), json(-1), json(1.5)}) {
        json changed = good;
        changed[name] = wrong;
        EXPECT_THAT(error_of(changed), HasSubstr("\"" + name + "\"")) << changed;
      }
    }
  };
  check(as_message(std::optional(some_identity())), [](const json& message) {
    const auto decoded = identity_of(message);
    return decoded.has_value() ? "believed" : decoded.error().message;
  });
  check(as_message(some_dump()), [](const json& message) {
    const auto decoded = extracted_of(message);
    return decoded.has_value() ? "believed" : decoded.error().message;
  });
  check(as_message(Failure(ErrorCode::io, "x")), [](const json& message) {
    const auto decoded = failure_of(message);
    return decoded.has_value() ? "believed" : decoded.error().message;
  });
  check(progress_message(1, 2), [](const json& message) {
    const auto decoded = progress_of(message);
    return decoded.has_value() ? "believed" : decoded.error().message;
  });
}

TEST(ExtractorMessages, impossible_values_are_refused) {
  json message = as_message(std::optional(some_identity()));
  message["authenticity"] = "trust me";
  EXPECT_FALSE(identity_of(message).has_value());
  message = as_message(std::optional(some_identity()));
  message["id"] = "../../../../etc/";
  EXPECT_FALSE(identity_of(message).has_value());
  EXPECT_FALSE(progress_of(progress_message(8, 7)).has_value());
  message = as_message(some_dump());
  message["crash_text"] = std::string(20'000, 'a');
  EXPECT_FALSE(extracted_of(message).has_value());
}

TEST(ExtractorMessages, long_texts_of_an_honest_reader_are_cut) {
  ExtractedDump dump = some_dump();
  dump.crash_text = std::string(100'000, 'a');
  const auto extracted = extracted_of(as_message(dump));
  ASSERT_TRUE(extracted.has_value());
  EXPECT_EQ(extracted->crash_text.size(), 4096);
}

}  // namespace
}  // namespace warmdump
