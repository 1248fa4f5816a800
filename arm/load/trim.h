// warmdump arm --trim: gives back what the crash kernel does not need of crashkernel=, by what it was
// measured to use in a crash. What was given back stays with the system until the next boot.

#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "arm/crashkernel/crash_kernel_lines.h"
#include "arm/load/crash_kernel.h"
#include "arm/load/crash_memory_need.h"
#include "arm/machine/machine_files.h"
#include "arm/machine/memory_map.h"
#include "common/hosted/failure.h"
#include "common/hosted/measured_memory.h"

namespace warmdump {

// The kernel's file for its size: /sys/kernel/kexec_crash_size, or /sys/kernel/kexec/crash_size.
class CrashSizeFile {
 public:
  explicit CrashSizeFile(MachineFiles files) : files_(std::move(files)) {}
  virtual ~CrashSizeFile() = default;

  // Bytes: of the range that loads, and with some kernels of the low one too. Error unsupported
  // when there is no such file.
  virtual Outcome<ByteCount> read() const;
  // Frees the end of the range that loads. Error busy while a crash kernel is loaded.
  virtual Outcome<void> write(ByteCount size) const;

 private:
  Outcome<std::string> path() const;

  MachineFiles files_;
};

struct TrimPlan {
  ByteCount now = 0;      // of the range that loads
  ByteCount target = 0;   // the same afterwards; `now` when there is nothing to give back
  ByteCount given = 0;    // to the crash kernel afterwards, in all places
  ByteCount written = 0;  // to CrashSizeFile
  std::string reason;     // what the target is made of

  bool gives_back() const { return target < now; }
};

// Never less than what was measured with this crash kernel, an eighth of it and the memory that a kernel
// holds while it boots and has freed when the capture begins; nor than CrashMemoryNeed says.
// ErrorCode::refused: nothing was measured yet, or with another crash kernel; memory of a kind that cannot be
// told apart in the measurement (crashkernel=,cma); a crash_size that does not fit to /proc/iomem.
Outcome<TrimPlan> plan_trim(const CrashKernelMemory& reservation, ByteCount crash_size,
                            const CrashMemoryNeed& need, std::string_view crash_kernel,
                            const std::optional<MeasuredMemory>& measured, std::string_view command_line);

// The same for this machine and its kernel, by what `warmdump recover` kept in `measured_path`.
Outcome<TrimPlan> plan_trim(const CrashMemoryNeed& need, std::string_view crash_kernel,
                            const MachineFiles& files,
                            const std::string& measured_path = kMeasuredMemoryPath);

// Unloads a crash kernel that is loaded, since the kernel shrinks nothing under it, shrinks, and calls
// `load`. Not armed for the time between; when nothing was loaded before, there is none. When shrinking
// fails, `load` is called all the same, with false, and the result is why; empty when all is as planned. A
// failure of `load` is one that says that the machine is not armed.
Outcome<std::optional<Failure>> trim_and_load(const TrimPlan& plan, CrashKernelLoader& loader,
                                              const CrashSizeFile& file,
                                              const std::function<Outcome<void>(bool is_trimmed)>& load);

}  // namespace warmdump
