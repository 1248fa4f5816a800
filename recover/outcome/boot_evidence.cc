#include "recover/outcome/boot_evidence.h"

#include <linux/watchdog.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <filesystem>

#include "common/hosted/sha256.h"
#include "common/hosted/whole_file.h"

namespace warmdump {
namespace {

namespace fs = std::filesystem;

constexpr ByteCount kRecordSizeMax = 4 * kMiB;
constexpr ByteCount kSysFileSizeMax = 64 * kKiB;
constexpr std::size_t kRecordsMax = 256;
constexpr int kPstoreDepth = 3;    // systemd-pstore: one folder a crash, one a record of several parts
constexpr int kPlatformDepth = 2;  // a reset controller lies on the platform bus, or below a soc
constexpr std::string_view kPanicHead = "Panic#";
constexpr std::string_view kPanicWords = "Kernel panic - not syncing";

// Of ACPI's generic error status block, "block status": an uncorrectable error, or several.
constexpr std::uint32_t kBertUncorrectable = 1U << 0;
constexpr std::uint32_t kBertUncorrectableMany = 1U << 2;

// Symbolic links are not followed: in /sys they lead in circles.
void find_files(const fs::path& folder, int depth, std::string_view prefix, std::vector<fs::path>& found) {
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    std::error_code ignored;  // the directory knows what its entries are: no system call for each
    if (entry->is_symlink(ignored)) continue;
    if (entry->is_directory(ignored) && depth > 0) find_files(entry->path(), depth - 1, prefix, found);
    if (entry->is_regular_file(ignored) && entry->path().filename().string().starts_with(prefix)) {
      found.push_back(entry->path());
    }
  }
}

std::vector<fs::path> sorted_files(const fs::path& folder, int depth, std::string_view prefix) {
  std::vector<fs::path> found;
  find_files(folder, depth, prefix, found);
  std::sort(found.begin(), found.end());
  return found;
}

// "<6>[   12.345678][    T1] text" ► "text".
std::string_view without_prefix(std::string_view line) {
  while (line.starts_with('<') || line.starts_with('[')) {
    const std::size_t end = line.find(line.front() == '<' ? '>' : ']');
    if (end == std::string_view::npos) break;
    line.remove_prefix(end + 1);
  }
  while (line.starts_with(' ')) line.remove_prefix(1);
  return line;
}

std::optional<std::uint64_t> time_of(std::string_view line) {
  if (line.starts_with('<')) line.remove_prefix(std::min(line.find('>') + 1, line.size()));
  if (!line.starts_with('[')) return std::nullopt;
  line.remove_prefix(1);
  while (line.starts_with(' ')) line.remove_prefix(1);
  std::uint64_t seconds = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), seconds);
  if (error != std::errc{} || end == line.data() + line.size() || *end != '.') return std::nullopt;
  return seconds;
}

template <class Action>
void for_each_line(std::string_view text, Action&& action) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    action(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

// The parts of one panic lie in several files; the one that has the panic's own line is the better witness.
void take_panic(std::optional<PanicRecord>& panic, PanicRecord record) {
  const auto uptime = panic && panic->uptime_s > record.uptime_s ? panic->uptime_s : record.uptime_s;
  if (!panic || (!panic->text.starts_with(kPanicWords) && record.text.starts_with(kPanicWords))) {
    panic = std::move(record);
  }
  panic->uptime_s = uptime;
}

void look_at_pstore(const std::string& root, const std::vector<std::string>& known, BootEvidence& evidence) {
  std::vector<fs::path> files = sorted_files(root + "/sys/fs/pstore", 0, "dmesg-");
  const std::vector<fs::path> moved = sorted_files(root + "/var/lib/systemd/pstore", kPstoreDepth, "dmesg-");
  files.insert(files.end(), moved.begin(), moved.end());
  for (const fs::path& file : files) {
    if (evidence.panics_seen.size() == kRecordsMax) break;
    const auto text = read_whole_file(file, kRecordSizeMax);
    const auto digest = text.has_value() ? sha256_text(*text) : Outcome<std::string>(text.error());
    if (!digest.has_value()) continue;
    evidence.panics_seen.push_back(*digest);
    if (std::find(known.begin(), known.end(), *digest) != known.end()) continue;
    if (auto record = parse_panic_record(*text)) take_panic(evidence.panic, std::move(*record));
  }
}

std::optional<ResetReason> watchdog_reason(const std::string& root) {
  const fs::path folder = root + "/sys/class/watchdog";
  std::vector<fs::path> devices;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    devices.push_back(entry->path());
  }
  std::sort(devices.begin(), devices.end());
  for (const fs::path& device : devices) {
    const fs::path file = device / "bootstatus";
    const auto text = read_whole_file(file, kSysFileSizeMax);
    if (!text.has_value()) continue;
    std::uint64_t flags = 0;
    std::from_chars(text->data(), text->data() + text->size(), flags);
    std::string reason = watchdog_reset_reason(flags);
    if (!reason.empty()) return ResetReason{std::move(reason), file.string().substr(root.size())};
  }
  return std::nullopt;
}

// The kernel's words (Documentation/ABI/testing/sysfs-platform-power-on-reason) that tell of no ordinary
// start.
constexpr std::array kTellingReasons = {
    kWatchdogReset,    "reset button action", "CPU clock failure", "crystal oscillator failure",
    "brown-out reset",
};

std::optional<ResetReason> power_on_reason(const std::string& root) {
  for (const fs::path& file :
       sorted_files(root + "/sys/devices/platform", kPlatformDepth, "power_on_reason")) {
    auto text = read_whole_file(file, kSysFileSizeMax);
    if (!text.has_value()) continue;
    while (!text->empty() && (text->back() == '\n' || text->back() == ' ')) text->pop_back();
    if (std::find(kTellingReasons.begin(), kTellingReasons.end(), *text) == kTellingReasons.end()) continue;
    return ResetReason{*text, file.string().substr(root.size())};
  }
  return std::nullopt;
}

std::optional<ResetReason> hardware_error(const std::string& root) {
  const std::string file = "/sys/firmware/acpi/tables/data/BERT";
  const auto bytes = read_whole_file(root + file, kRecordSizeMax);
  std::uint32_t status = 0;
  if (!bytes.has_value() || bytes->size() < sizeof status) return std::nullopt;
  std::memcpy(&status, bytes->data(), sizeof status);
  if ((status & (kBertUncorrectable | kBertUncorrectableMany)) == 0) return std::nullopt;
  return ResetReason{"uncorrectable hardware error", file};
}

}  // namespace

std::string watchdog_reset_reason(std::uint64_t bootstatus) {
  if ((bootstatus & WDIOF_CARDRESET) != 0) return kWatchdogReset;
  if ((bootstatus & WDIOF_OVERHEAT) != 0) return "overheating";
  if ((bootstatus & WDIOF_FANFAULT) != 0) return "fan failed";
  if ((bootstatus & WDIOF_POWERUNDER) != 0) return "voltage too low";
  if ((bootstatus & WDIOF_POWEROVER) != 0) return "voltage too high";
  return "";
}

std::optional<std::uint64_t> last_log_time(std::string_view log) {
  std::optional<std::uint64_t> last;
  for_each_line(log, [&](std::string_view line) {
    if (const auto time = time_of(line)) last = time;
  });
  return last;
}

std::optional<PanicRecord> parse_panic_record(std::string_view text) {
  if (!text.starts_with(kPanicHead)) return std::nullopt;
  PanicRecord record;
  for_each_line(text.substr(std::min(text.find('\n') + 1, text.size())), [&](std::string_view line) {
    const std::string_view words = without_prefix(line);
    if (words.starts_with(kPanicWords)) record.text = words;
  });
  if (record.text.empty()) record.text = "panic, its line is not in the record";
  record.uptime_s = last_log_time(text);
  return record;
}

BootEvidence gather_boot_evidence(const std::string& root, const std::vector<std::string>& known_panics) {
  BootEvidence evidence;
  look_at_pstore(root, known_panics, evidence);
  evidence.reset = watchdog_reason(root);
  if (!evidence.reset) evidence.reset = power_on_reason(root);
  if (!evidence.reset) evidence.reset = hardware_error(root);
  return evidence;
}

}  // namespace warmdump
