#include "arm/machine/boot_facts.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "arm/machine/kernel_build_id.h"
#include "tests/support/temporary_directory.h"

namespace warmdump {
namespace {

constexpr const char* kOsRelease =
    "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=Debian\nVERSION_ID='12'\nVERSION_ID_LIKE=x\n";

TEST(BootFacts, os_release_values_lose_their_quotes) {
  EXPECT_EQ(os_release_value(kOsRelease, "PRETTY_NAME"), "Debian GNU/Linux 12 (bookworm)");
  EXPECT_EQ(os_release_value(kOsRelease, "VERSION_ID"), "12");
  EXPECT_EQ(os_release_value(kOsRelease, "NAME"), "Debian");
  EXPECT_EQ(os_release_value(kOsRelease, "VERSION"), "");
  EXPECT_EQ(os_release_value("NAME", "NAME"), "");
}

TEST(BootFacts, are_gathered_and_the_missing_left_out) {
  const test::TemporaryDirectory directory;
  const std::string root = directory.path();
  std::filesystem::create_directories(root + "/etc");
  std::filesystem::create_directories(root + "/proc/sys/kernel/random");
  ASSERT_TRUE(write_whole_file(root + "/etc/os-release", kOsRelease).has_value());
  ASSERT_TRUE(write_whole_file(root + "/etc/machine-id", "0123456789abcdef\n").has_value());
  ASSERT_TRUE(write_whole_file(root + "/proc/sys/kernel/random/boot_id", "6732421a\n").has_value());
  ASSERT_TRUE(write_whole_file(root + "/proc/sys/kernel/hostname", "(none)\n").has_value());
  const auto facts = gather_boot_facts(MachineFiles(root));
  EXPECT_EQ(facts.at("boot_id"), "6732421a");
  EXPECT_EQ(facts.at("os_release"), "Debian GNU/Linux 12 (bookworm)");
  EXPECT_EQ(facts.at("os_version"), "12");
  EXPECT_THAT(facts.at("armed_at"), testing::MatchesRegex("20..-..-..T..:..:..Z"));
  EXPECT_EQ(facts.count("hostname"), 0U);
  EXPECT_EQ(facts.count("kernel_release"), 0U);
  for (const auto& [key, value] : facts) EXPECT_EQ(value.find("0123456789abcdef"), std::string::npos) << key;
  EXPECT_EQ(facts.count("consent"), 0U);
}

TEST(BootFacts, the_machine_is_told_by_a_digest_only) {
  const test::TemporaryDirectory directory;
  const std::string root = directory.path();
  std::filesystem::create_directories(root + "/etc");
  const std::string id = "0123456789abcdef0123456789abcdef";
  ASSERT_TRUE(write_whole_file(root + "/etc/machine-id", id + "\n").has_value());
  const auto facts = gather_boot_facts(MachineFiles(root));
  // printf 6e1d943bc7504f28a20b77e9138cd546 | xxd -r -p | openssl dgst -sha256 -mac HMAC -macopt hexkey:ID
  EXPECT_EQ(facts.at("machine_id_hash"), "270df85051452ee6447e106a53fcda0d");
  for (const auto& [key, value] : facts) EXPECT_EQ(value.find(id.substr(0, 8)), std::string::npos) << key;
  for (const char* wrong : {"", "uninitialized", "0123456789abcdef0123456789abcde",
                            "0123456789abcdef0123456789abcdeg", "0123456789abcdef0123456789abcdef01"}) {
    EXPECT_EQ(machine_id_hash(wrong), "") << wrong;
  }
}

TEST(BootFacts, consent_is_told_as_it_is) {
  const test::TemporaryDirectory directory;
  const MachineFiles files(directory.path());
  EXPECT_EQ(gather_boot_facts(files, "/consent").at("consent"), "none");
  std::filesystem::create_directories(directory.file("consent"));
  EXPECT_EQ(gather_boot_facts(files, "/consent").at("consent"), "unknown");
  std::filesystem::remove(directory.file("consent"));
  ASSERT_TRUE(write_whole_file(directory.file("consent"), "yes\n").has_value());
  const auto facts = gather_boot_facts(files, "/consent");
  EXPECT_EQ(facts.at("consent"), "given");
  EXPECT_EQ(facts.at("consent_sha256").substr(0, 16), "5040625b1fb6fa4a");
}

std::string note(const std::string& owner, std::uint32_t type, const std::string& content) {
  const std::uint32_t header[] = {static_cast<std::uint32_t>(owner.size() + 1),
                                  static_cast<std::uint32_t>(content.size()), type};
  std::string bytes(reinterpret_cast<const char*>(header), sizeof header);
  bytes.append(owner).append(4 - owner.size() % 4, '\0').append(content);
  return bytes.append((4 - content.size() % 4) % 4, '\0');
}

TEST(BootFacts, the_kernels_build_id_is_found_among_its_notes) {
  const std::string notes = note("Xen", 6, "abcde") + note("GNU", 3, "\x01\x02\xff") + note("Linux", 3, "zz");
  EXPECT_EQ(build_id_of_notes(notes), "0102ff");
  EXPECT_EQ(build_id_of_notes(note("GNU", 4, "ab")), "");
  for (std::size_t size = 0; size + 16 < notes.size(); ++size) {
    const std::string id = build_id_of_notes(notes.substr(0, size));
    EXPECT_TRUE(id.empty() || id == "0102ff") << size;
  }
}

}  // namespace
}  // namespace warmdump
