// The crash test: the system is armed with an id of the test's own and panics on purpose; the next boot says
// whether the dump of that very panic came back.
//
//   consent ► armed with the id ► crash-test.json ► panic ► capture, reset ► recover: verdict in
//   selftest.json

#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "arm/machine/machine_files.h"
#include "common/hosted/failure.h"
#include "recover/recover_machine.h"
#include "selftest/crash/crash_result.h"
#include "selftest/state_directory.h"

namespace warmdump {

// Key of the id among the facts in the crash image, hence in capture_info of meta.json.
inline constexpr const char* kTestIdFact = "test_id";

// A crash test under way: crash-test.json of the state directory.
struct CrashRecord {
  std::string id;       // 16 lower-case hexadecimal digits
  std::string boot_id;  // that is to crash
  std::string crashed_at;
  std::map<std::string, std::string> machine;
};

// Nothing when no test is under way. Errors: those of StateDirectory::load(); corrupt.
Outcome<std::optional<CrashRecord>> load_crash_record(const StateDirectory& state);

// The seams of a crash test.
struct CrashActions {
  std::function<Outcome<void>()> consent;                   // a failure ends the test
  std::function<Outcome<void>(const std::string& id)> arm;  // with the id among the facts; empty: without
  std::function<Outcome<void>()> check;                     // a failure: its dump would not be recovered
  std::function<Outcome<void>()> panic;                     // does not return when it works
};

// Asks, arms, checks, writes the record, panics. Does not return when all goes well.
// Errors: those of the actions; refused when no crash kernel is loaded after arming; io when the kernel did
// not panic. A test that ends without a panic leaves no record, and the machine armed without its id.
Outcome<void> crash_on_purpose(const MachineFiles& files, const StateDirectory& state,
                               const CrashActions& actions);

// Flushes all file systems and asks the kernel for a panic by /proc/sysrq-trigger. Error io: it did not
// panic.
Outcome<void> panic_by_sysrq();

// Called with what recovery found: ends the test that is under way in another boot and stores its result.
// Nothing when no test is under way, this boot is the one to crash, or the region was not looked at.
Outcome<std::optional<CrashResult>> judge_crash_test(const Recovery& recovery, const MachineFiles& files,
                                                     const StateDirectory& state);

// The same by what lies in the spool, for a recovery that could not judge: ends the test when its dump is
// there.
Outcome<std::optional<CrashResult>> find_crash_dump(const std::filesystem::path& spool,
                                                    const MachineFiles& files, const StateDirectory& state);

}  // namespace warmdump
