#include "selftest/offline/offline_test.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <memory>
#include <optional>
#include <vector>

#include "arm/load/capture_program.h"
#include "common/file_device.h"
#include "common/hosted/byte_count_text.h"
#include "common/hosted/secret.h"
#include "common/hosted/unique_fd.h"
#include "common/hosted/whole_file.h"
#include "recover/dump_reader_extractor.h"
#include "recover/recover_region.h"
#include "recover/spool/spool.h"
#include "selftest/machine/vmcore_builder.h"
#include "selftest/offline/dump_verification.h"
#include "selftest/offline/sample_machine.h"
#include "selftest/offline/test_upload.h"
#include "selftest/offline/work_directory.h"
#include "selftest/program.h"

namespace warmdump {
namespace {

constexpr ByteCount kRegionSize = 64 * kMiB;
constexpr std::chrono::seconds kCaptureTimeMax{120};
constexpr const char* kSpoolHost = "warmdump-selftest";

class SilentEvents final : public RecoverEvents {
 public:
  void step(const std::string&) override {}
  void progress(const char*, ByteCount, ByteCount) override {}
};

// What the steps hand on to each other.
class OfflineRun {
 public:
  OfflineRun(const OfflineTestRequest& request, WorkDirectory work, std::string id)
      : request_(request), work_(std::move(work)), id_(std::move(id)) {}

  Outcome<std::string> make_machine();
  Outcome<std::string> format();
  Outcome<std::string> capture();
  Outcome<std::string> check_region();
  Outcome<std::string> recover();
  Outcome<std::string> check_vmcore() { return verify_vmcore(*truth_, dump_ / kVmcoreName); }
  Outcome<std::string> check_log() { return verify_log(*truth_, dump_ / kDmesgName); }
  Outcome<std::string> check_meta() { return verify_meta(*truth_, sample_panic_text(id_), dump_); }
  Outcome<std::string> upload();

 private:
  std::string vmcore_path() const { return work_.path() / "vmcore"; }
  std::string region_path() const { return work_.path() / "region"; }
  Outcome<RegionRecovery> recover_once();

  const OfflineTestRequest& request_;
  WorkDirectory work_;
  std::string id_;
  std::vector<SealSecret> secrets_;  // of the boot that "crashes"
  std::unique_ptr<synthetic::VmcoreTruth> truth_;
  std::filesystem::path dump_;
};

Outcome<std::string> OfflineRun::make_machine() {
  const auto recipe = TRY(
      synthetic::Recipe::parse(sample_machine_recipe(id_, static_cast<std::uint64_t>(std::time(nullptr)))));
  truth_ = std::make_unique<synthetic::VmcoreTruth>(TRY(synthetic::build_vmcore(recipe, vmcore_path())));
  return fmt::format("{} of memory, id {}", readable_byte_count(truth_->pfn_end * kPageSize), id_);
}

Outcome<RegionRecovery> OfflineRun::recover_once() {
  FileDevice region;
  TRY(in_context(region_path(), region.open(region_path().c_str(), FileDevice::Access::read_write)));
  const Spool spool = TRY(Spool::open(work_.path() / "spool", kSpoolHost));
  DumpReaderExtractor extractor(secrets_);
  SilentEvents silent;
  const TrustRules trust{.records = ArmRecords(work_.path() / "records"), .is_own_region = false};
  return recover_region(region, 0, spool, extractor, silent, trust);
}

Outcome<std::string> OfflineRun::format() {
  {
    const UniqueFd file(::open(region_path().c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!file.valid()) return Failure::system("cannot make " + region_path(), errno);
    // Taken now: a capture into a file system that is full would fail for a reason of its own.
    const int full = ::posix_fallocate(file.get(), 0, static_cast<off_t>(kRegionSize));
    if (full != 0) return Failure::system("cannot make " + region_path(), full);
  }
  const RegionRecovery recovery = TRY(recover_once());
  if (!recovery.formatted) return Failure(ErrorCode::corrupt, "a blank region was not formatted");
  return readable_byte_count(kRegionSize);
}

Outcome<std::string> OfflineRun::capture() {
  const std::string program = TRY(find_capture_program(request_.capture_path));
  std::vector<std::string> arguments{"--vmcore",     vmcore_path(), "--region",  region_path(),
                                     "--dump-level", "31",          "--threads", "0"};
  const Secret secret = TRY(Secret::fresh());
  const std::string configuration = work_.path() / "configuration";
  const WipedText text(fmt::format("secret={}\nboot_id={}\n", secret.hexadecimal(), id_));
  TRY(write_whole_file(configuration, text.text()));
  secrets_ = {{id_, secret.bytes()}};
  arguments.insert(arguments.end(), {"--settings", configuration});
  for (const std::string& hint : truth_->hints) arguments.insert(arguments.end(), {"--hint", hint});
  const ProgramEnd end = TRY(run_program(program, arguments, kCaptureTimeMax));
  if (end.exit_code != 0) {
    return Failure(ErrorCode::io, fmt::format("{} ended with exit code {}: {}", program, end.exit_code,
                                              last_line(end.output)));
  }
  return program;
}

Outcome<std::string> OfflineRun::check_region() {
  FileDevice region;
  TRY(in_context(region_path(), region.open(region_path().c_str(), FileDevice::Access::read_only)));
  const DumpReader dump = TRY(DumpReader::open(region, secrets_));
  if (dump.authenticity() != Authenticity::sealed)
    return Failure(ErrorCode::corrupt, "the dump is not sealed");
  return verify_region(*truth_, dump);
}

Outcome<std::string> OfflineRun::recover() {
  const RegionRecovery recovery = TRY(recover_once());
  if (recovery.outcome != DumpOutcome::extracted || !recovery.dump || !recovery.dump->complete) {
    return Failure(ErrorCode::corrupt, "the dump was not saved as a complete one");
  }
  if (!recovery.wiped) return Failure(ErrorCode::corrupt, "the region was not wiped");
  dump_ = recovery.directory;
  return fmt::format("{}, region wiped and verified", readable_byte_count(recovery.dump->bytes_written));
}

Outcome<std::string> OfflineRun::upload() {
  if (!request_.destination.empty()) {
    return upload_and_check(dump_, request_.destination, request_.destination_options);
  }
  const std::filesystem::path target = work_.path() / "uploaded";
  std::error_code error;
  std::filesystem::create_directory(target, error);
  if (error) return Failure::system("cannot make " + target.string(), error.value());
  return upload_and_check(dump_, "dir:" + target.string(), request_.destination_options);
}

struct NamedStep {
  const char* name;
  Outcome<std::string> (OfflineRun::*run)();
};

// To add one: a method that returns what it saw, and a line here in the order of a real crash.
constexpr NamedStep kSteps[] = {
    {"synthetic machine", &OfflineRun::make_machine},
    {"region prepared", &OfflineRun::format},
    {"capture", &OfflineRun::capture},
    {"pages in the region", &OfflineRun::check_region},
    {"recovery", &OfflineRun::recover},
    {"pages in the vmcore", &OfflineRun::check_vmcore},
    {"kernel log", &OfflineRun::check_log},
    {"meta.json", &OfflineRun::check_meta},
    {"upload", &OfflineRun::upload},
};

Outcome<std::string> random_id() {
  std::uint64_t value = 0;
  if (::getrandom(&value, sizeof value, 0) != sizeof value)
    return Failure::system("no random numbers", errno);
  return fmt::format("{:016x}", value);
}

Outcome<OfflineRun> begin(const OfflineTestRequest& request) {
  std::string id = TRY(random_id());
  return OfflineRun(request, TRY(WorkDirectory::make(request.kept_directory)), std::move(id));
}

}  // namespace

OfflineTestReport run_offline_test(const OfflineTestRequest& request,
                                   const std::function<void(const TestStep&)>& on_step) {
  OfflineTestReport report;
  bool failed = false;
  const auto add = [&](const char* name, const Outcome<std::string>& outcome) {
    failed = !outcome.has_value();
    report.steps.push_back({name, !failed, failed ? outcome.error().message : *outcome});
    on_step(report.steps.back());
  };
  auto run = begin(request);
  if (!run) add("a place to work", std::move(run.error()));
  for (const NamedStep& step : kSteps) {
    if (failed) {
      report.not_run.emplace_back(step.name);
    } else {
      add(step.name, ((*run).*step.run)());
    }
  }
  return report;
}

}  // namespace warmdump
