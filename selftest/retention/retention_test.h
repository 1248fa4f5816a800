// The retention test: does the region survive a warm reset of this machine, with this firmware?
//
//   begin_retention_test ──region raw──► pattern in the region ──reset──► recover: verdict, region wiped,
//   returned
//           └──region in use as memory──► request ──reboot──► recover: pattern, region stays raw ──┘
//
// The pattern has to be written while the region is no memory, and recovery is what gives it back: so
// recovery does both steps, before it gives the region back. A test under way never keeps a dump from being
// saved, and whatever goes wrong with it, the region is returned.

#pragma once

#include <optional>
#include <string>

#include "arm/machine/machine_files.h"
#include "common/hosted/failure.h"
#include "recover/recover_machine.h"
#include "selftest/retention/retention_record.h"
#include "selftest/retention/retention_result.h"

namespace warmdump {

// Begins a test: writes the pattern, or asks the next boot to. `region` as for `warmdump recover --region`.
// The caller holds kRegionLockPath. Errors: busy (a test is under way already; a dump waits in the region);
// refused (the region is not prepared); corrupt (memory does not hold what is written to it); those of
// PmemRegions and of the state directory.
Outcome<RetentionRecord> begin_retention_test(const std::string& region, bool is_automatic,
                                              PmemRegions& regions, const MachineFiles& files,
                                              const StateDirectory& state, RecoverEvents& events);

// Notes what the machine is set to reset by, for the verdict. Called right before a reset; nothing to do when
// the pattern is not written.
Outcome<void> note_reset(const MachineFiles& files, const StateDirectory& state);

// What recovery did for a test.
struct RetentionStep {
  std::optional<RetentionRecord> written;  // the pattern is in the region, which is not returned
  bool written_before = false;             // by an earlier run in this boot: nothing was done
  std::optional<RetentionResult> result;   // the test is over
  std::optional<Failure> failure;          // of the test; the recovery went on without it
  bool wants_reset() const { return written && written->is_automatic && !written_before; }
};

struct RecoveryWithTest {
  Recovery recovery;
  std::optional<RetentionStep> retention;  // nothing: no test is under way
};

// recover_machine(), with the step of a retention test that is due. Errors: those of recover_machine().
Outcome<RecoveryWithTest> recover_with_retention_test(const RecoverRequest& request, PmemRegions& regions,
                                                      DumpExtractor& extractor, const MachineFiles& files,
                                                      const StateDirectory& state, RecoverEvents& events);

}  // namespace warmdump
