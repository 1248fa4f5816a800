#include "recover/outcome/boot_report.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>

#include "common/hosted/arm_record.h"
#include "common/hosted/dump_directory_names.h"
#include "common/hosted/unique_fd.h"
#include "common/hosted/whole_file.h"
#include "recover/outcome/outcome_judge.h"
#include "recover/outcome/outcome_log.h"

namespace warmdump {
namespace {

constexpr const char* kBootIdPath = "/proc/sys/kernel/random/boot_id";
constexpr ByteCount kBootIdSizeMax = 256;
constexpr ByteCount kLogTailSize = 64 * kKiB;

// How long the kernel had run whose log lies in a dump directory.
std::optional<std::uint64_t> uptime_in(const std::filesystem::path& directory) {
  const UniqueFd fd(::open((directory / kDmesgName).c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd.valid()) return std::nullopt;
  const off_t size = ::lseek(fd.get(), 0, SEEK_END);
  if (size <= 0) return std::nullopt;
  std::string tail(std::min<ByteCount>(static_cast<ByteCount>(size), kLogTailSize), '\0');
  const ssize_t count = ::pread(fd.get(), tail.data(), tail.size(), size - static_cast<off_t>(tail.size()));
  tail.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
  return last_log_time(tail);
}

}  // namespace

std::string timestamp_text(std::uint64_t seconds) {
  const auto time = static_cast<std::time_t>(seconds);
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

std::string running_boot_id(const std::string& root) {
  auto text = read_whole_file(root + kBootIdPath, kBootIdSizeMax);
  if (!text.has_value()) return "";
  while (text->ends_with('\n')) text->pop_back();
  return *text;
}

BootReport BootReport::begin(std::string root, std::uint64_t now_s) {
  BootReport report(std::move(root));
  report.time_ = timestamp_text(now_s);
  const std::string path = report.root_ + kBootRecordPath;
  std::optional<BootRecord> recorded;
  if (auto read = read_boot_record(path)) {
    recorded = std::move(*read);
  } else {
    report.warn("how the last boot ended is not known", read.error());
  }
  report.record_ = begin_boot(recorded, running_boot_id(report.root_));
  // Records that were there before the first boot that looked are of nobody knows which crash.
  const bool is_first = !recorded;
  report.evidence_ = gather_boot_evidence(report.root_, report.record_.panics_before);
  for (const std::string& digest : report.evidence_.panics_seen) {
    auto& seen = report.record_.panics_seen;
    if (std::find(seen.begin(), seen.end(), digest) == seen.end()) seen.push_back(digest);
  }
  if (is_first) {
    report.record_.panics_before = report.record_.panics_seen;
    report.evidence_.panic.reset();
  }
  if (auto stored = store_boot_record(report.record_, path); !stored) {
    report.warn("the next boot will not know how this one ended", stored.error());
  }
  auto loop = read_crash_loop(report.root_ + kCrashLoopPath);
  if (loop.has_value()) {
    report.crash_loop_ = std::move(*loop);
  } else {
    report.warn("a crash loop is not known", loop.error());
  }
  return report;
}

std::string BootReport::kept_dump() const {
  return crash_loop_ && crash_loop_->stands ? crash_loop_->first_dump : "";
}

BootOutcome BootReport::judge(const Outcome<Recovery>& recovery, bool has_no_region) const {
  OutcomeFacts facts;
  facts.time = time_;
  facts.record = record_;
  facts.evidence = evidence_;
  facts.recovery = &recovery;
  facts.has_no_region = has_no_region;
  if (record_.previous) {
    const auto armed = ArmRecords(root_ + kArmRecordDirectory).find(record_.previous->boot_id);
    if (armed.has_value()) facts.was_armed = armed->has_value();
  }
  if (recovery && recovery->dump && !recovery->dump->directory.empty()) {
    facts.dump = read_saved_dump(recovery->dump->directory);
    facts.dump_uptime_s = uptime_in(recovery->dump->directory);
  }
  return judge_boot(facts);
}

void BootReport::finish(const Outcome<Recovery>& recovery, bool has_no_region, std::uint64_t total_ms,
                        const CrashLoopLimits& limits) {
  outcome_ = judge(recovery, has_no_region);
  outcome_->timings_ms["total"] = total_ms;
  const OutcomeLog log(root_ + kOutcomesPath);
  std::vector<BootOutcome> boots;
  if (auto read = log.read_boots()) {
    boots = std::move(*read);
  } else {
    warn("the outcomes of earlier boots cannot be read", read.error());
  }
  const auto earlier = std::find_if(
      boots.begin(), boots.end(), [&](const BootOutcome& boot) { return boot.boot_id == outcome_->boot_id; });
  if (earlier != boots.end() && !tells_more(*outcome_, *earlier)) return note_line();
  if (earlier != boots.end()) {
    *outcome_ = merged(*outcome_, *earlier);
    boots.erase(earlier);
  }
  boots.push_back(*outcome_);
  update_crash_loop(boots, limits);
  if (auto appended = log.append(*outcome_); !appended) {
    return warn("the outcome of this boot is not recorded", appended.error());
  }
  was_written_ = true;
  note_line();
}

void BootReport::note_line() {
  if (record_.has_line) return;
  record_.has_line = true;
  if (auto stored = store_boot_record(record_, root_ + kBootRecordPath); !stored) {
    warn("the next boot will count this one as untold", stored.error());
  }
}

void BootReport::update_crash_loop(const std::vector<BootOutcome>& boots, const CrashLoopLimits& limits) {
  if (const auto next = next_crash_loop(crash_loop_, boots, limits)) {
    if (auto stored = store_crash_loop(*next, root_ + kCrashLoopPath); !stored) {
      return warn("a crash loop cannot be recorded", stored.error());
    }
    crash_loop_ = next;
  }
  if (crash_loop_ && crash_loop_->stands) {
    outcome_->crash_loop = BootOutcome::CrashLoop{true, crash_loop_->crashes, crash_loop_->window_s};
  }
}

void BootReport::warn(const std::string& doing, const Failure& failure) {
  warnings_.push_back(doing + ": " + failure.message);
}

}  // namespace warmdump
