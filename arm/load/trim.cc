#include "arm/load/trim.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <utility>

#include "arm/machine/command_line.h"
#include "common/hosted/byte_count_text.h"
#include "common/hosted/unique_fd.h"

namespace warmdump {
namespace {

constexpr const char* kSizePaths[] = {"/sys/kernel/kexec_crash_size", "/sys/kernel/kexec/crash_size"};

// A booting kernel has its initialisation code and the packed image until shortly before the first program
// runs; Debian's free 5 to 9 MiB there. What is free is measured afterwards.
constexpr ByteCount kFreedWhileBooting = 12 * kMiB;
constexpr ByteCount kMeasuredMarginShare = 8;
constexpr ByteCount kNeedMargin = 8 * kMiB;

bool has_movable_reservation(std::string_view command_line) {
  for (const std::string_view option : command_line_options(command_line)) {
    if (option.starts_with("crashkernel=") && option.ends_with(",cma")) return true;
  }
  return false;
}

}  // namespace

Outcome<std::string> CrashSizeFile::path() const {
  for (const char* path : kSizePaths) {
    if (files_.exists(path)) return files_.path(path);
  }
  return Failure(ErrorCode::unsupported, std::string("this kernel has no ") + kSizePaths[0]);
}

Outcome<ByteCount> CrashSizeFile::read() const {
  const std::string name = TRY(path());
  const std::string text = TRY(read_whole_file(name, 64));
  ByteCount size = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
  if (error != std::errc{} || end == text.data()) {
    return Failure(ErrorCode::corrupt, fmt::format("{} does not hold a number", name));
  }
  return size;
}

Outcome<void> CrashSizeFile::write(ByteCount size) const {
  const std::string name = TRY(path());
  const UniqueFd fd(::open(name.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd.valid()) return Failure::system("cannot open " + name, errno);
  // One write(2), or the kernel takes the pieces for sizes.
  const std::string text = std::to_string(size);
  if (::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return Failure::system(fmt::format("cannot make {} {}", name, size), errno);
  }
  return {};
}

Outcome<TrimPlan> plan_trim(const CrashKernelMemory& reservation, ByteCount crash_size,
                            const CrashMemoryNeed& need, std::string_view crash_kernel,
                            const std::optional<MeasuredMemory>& measured, std::string_view command_line) {
  const auto refuse = [](const std::string& reason) {
    return Failure(ErrorCode::refused, "crashkernel= is not trimmed: " + reason);
  };
  if (!measured) {
    return refuse(
        "what a crash kernel uses here was never measured; `warmdump selftest --crash` does it, and so does "
        "every crash whose dump was recovered");
  }
  if (measured->crash_kernel != crash_kernel) {
    return refuse(fmt::format("measured was {}, the crash kernel is {}; run `warmdump selftest --crash`",
                              measured->crash_kernel, crash_kernel));
  }
  if (has_movable_reservation(command_line)) {
    return refuse("the kernel command line has a crashkernel=,cma, whose part in the measurement is unknown");
  }
  TrimPlan plan;
  plan.now = reservation.loaded().value_or(AddressRange()).size;
  // Some kernels count both ranges, some the one that loads; to shrink it they want what they tell.
  const bool counts_low = reservation.low_size() > 0 && crash_size == reservation.total_size();
  if (!counts_low && crash_size != plan.now) {
    return refuse(fmt::format("the kernel tells {} bytes, /proc/iomem {} and {} below", crash_size, plan.now,
                              reservation.low_size()));
  }
  const ByteCount by_measurement =
      measured->used() + measured->used() / kMeasuredMarginShare + kFreedWhileBooting;
  const ByteCount by_need = need.least + kNeedMargin;
  plan.target = std::min(plan.now, round_up(std::max(by_measurement, by_need), kMiB));
  plan.given = plan.target + reservation.low_size();
  plan.written = plan.target + (counts_low ? reservation.low_size() : 0);
  plan.reason =
      fmt::format("the crash kernel used {} of {}; {} with what it frees while it boots, at least {}",
                  readable_byte_count(measured->used()), readable_byte_count(measured->given),
                  readable_byte_count(by_measurement), readable_byte_count(by_need));
  return plan;
}

Outcome<TrimPlan> plan_trim(const CrashMemoryNeed& need, std::string_view crash_kernel,
                            const MachineFiles& files, const std::string& measured_path) {
  const std::string iomem = TRY(files.read("/proc/iomem"));
  const CrashKernelMemory reservation = crash_kernel_memory(TRY(parse_memory_map(iomem)));
  if (!reservation.loaded()) {
    return Failure(ErrorCode::refused,
                   "no memory is set apart for a crash kernel: add crashkernel=96M to the kernel command "
                   "line and reboot");
  }
  const ByteCount crash_size = TRY(CrashSizeFile(files).read());
  const auto measured = TRY(read_measured_memory(measured_path));
  return plan_trim(reservation, crash_size, need, crash_kernel, measured,
                   files.line_or_empty("/proc/cmdline"));
}

Outcome<std::optional<Failure>> trim_and_load(const TrimPlan& plan, CrashKernelLoader& loader,
                                              const CrashSizeFile& file,
                                              const std::function<Outcome<void>(bool is_trimmed)>& load) {
  std::optional<Failure> not_trimmed;
  if (plan.gives_back()) {
    if (TRY(loader.loaded())) TRY(unload_crash_kernel(loader));
    auto shrunk = file.write(plan.written);
    if (!shrunk.has_value()) not_trimmed = std::move(shrunk.error()).in("crashkernel= is not trimmed");
  }
  auto loaded = load(!not_trimmed);
  if (loaded.has_value()) return not_trimmed;
  if (!plan.gives_back()) return std::move(loaded.error());
  return std::move(loaded.error())
      .in(not_trimmed ? "NOT ARMED"
                      : fmt::format("NOT ARMED: crashkernel= is now {}, until the next boot, and the crash "
                                    "kernel cannot be loaded",
                                    readable_byte_count(plan.target)));
}

}  // namespace warmdump
