#include "arm/machine/boot_facts.h"

#include <algorithm>
#include <charconv>
#include <ctime>
#include <utility>

#include "arm/machine/kernel_build_id.h"
#include "common/hosted/sha256.h"

namespace warmdump {
namespace {

constexpr std::size_t kMachineIdSize = 16;
// Of warmdump, drawn once. Another one would give every machine another hash.
constexpr unsigned char kApplicationId[kMachineIdSize] = {0x6e, 0x1d, 0x94, 0x3b, 0xc7, 0x50, 0x4f, 0x28,
                                                          0xa2, 0x0b, 0x77, 0xe9, 0x13, 0x8c, 0xd5, 0x46};

// To add one: a row here and its name in boot_facts.h.
constexpr std::pair<const char*, const char*> kOsReleaseFacts[] = {
    {"os_release", "PRETTY_NAME"},         {"os_id", "ID"},
    {"os_version", "VERSION_ID"},          {"os_build", "BUILD_ID"},
    {"os_variant", "VARIANT_ID"},          {"os_image", "IMAGE_ID"},
    {"os_image_version", "IMAGE_VERSION"},
};

void add_consent(const MachineFiles& files, const std::string& path,
                 std::map<std::string, std::string>& facts) {
  const auto content = files.read(path);
  if (content.has_value()) {
    facts["consent"] = "given";
    if (auto digest = sha256_text(*content); digest.has_value()) facts["consent_sha256"] = *digest;
  } else {
    facts["consent"] = content.error().code == ErrorCode::not_found ? "none" : "unknown";
  }
}

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  char text[32];
  if (::gmtime_r(&now, &parts) == nullptr) return {};
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

}  // namespace

std::string os_release_value(std::string_view os_release, std::string_view key) {
  while (!os_release.empty()) {
    std::string_view line = os_release.substr(0, os_release.find('\n'));
    os_release.remove_prefix(std::min(line.size() + 1, os_release.size()));
    if (!line.starts_with(key) || line.substr(key.size(), 1) != "=") continue;
    line.remove_prefix(key.size() + 1);
    if (line.size() >= 2 && (line.front() == '"' || line.front() == '\'') && line.front() == line.back()) {
      line = line.substr(1, line.size() - 2);
    }
    return std::string(line);
  }
  return {};
}

std::string machine_id_hash(std::string_view machine_id) {
  std::string key;
  for (std::size_t i = 0; i + 1 < machine_id.size(); i += 2) {
    unsigned value = 0;
    const char* const digits = machine_id.data() + i;
    const auto [end, error] = std::from_chars(digits, digits + 2, value, 16);
    if (error != std::errc{} || end != digits + 2) return {};
    key += static_cast<char>(value);
  }
  if (key.size() != kMachineIdSize || machine_id.size() != 2 * kMachineIdSize) return {};
  const auto code = hmac_sha256(key, {reinterpret_cast<const char*>(kApplicationId), sizeof kApplicationId});
  if (!code.has_value()) return {};
  return hexadecimal_text({reinterpret_cast<const char*>(code->data()), kMachineIdSize});
}

std::map<std::string, std::string> gather_boot_facts(const MachineFiles& files,
                                                     const std::string& consent_file) {
  auto os_release = files.read("/etc/os-release");
  const std::string os_text =
      os_release.has_value() ? *os_release : files.line_or_empty("/usr/lib/os-release");
  const std::string hostname = files.line_or_empty("/proc/sys/kernel/hostname");
  const auto notes = files.read("/sys/kernel/notes");
  std::map<std::string, std::string> facts = {
      {"armed_at", utc_now()},
      {"boot_id", files.line_or_empty("/proc/sys/kernel/random/boot_id")},
      {"hostname", hostname == "(none)" ? "" : hostname},
      {"kernel_build_id", notes.has_value() ? build_id_of_notes(*notes) : ""},
      {"kernel_release", files.line_or_empty("/proc/sys/kernel/osrelease")},
      {"kernel_version", files.line_or_empty("/proc/version")},
      {"machine_id_hash", machine_id_hash(files.line_or_empty("/etc/machine-id"))},
      {"warmdump_version", WARMDUMP_VERSION},
  };
  for (const auto& [fact, key] : kOsReleaseFacts) facts[fact] = os_release_value(os_text, key);
  if (!consent_file.empty()) add_consent(files, consent_file, facts);
  std::erase_if(facts, [](const auto& fact) { return fact.second.empty(); });
  return facts;
}

}  // namespace warmdump
