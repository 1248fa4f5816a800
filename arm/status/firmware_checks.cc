#include "arm/status/firmware_checks.h"

#include <fmt/format.h>

namespace warmdump {
namespace {

constexpr const char* kTest = "run `warmdump selftest --retention`";

bool retention_passed(const StatusFacts& facts) {
  return facts.system.retention && facts.system.retention->is_retained();
}

}  // namespace

Finding judge_memory_overwrite(const StatusFacts& facts) {
  const MemoryOverwriteState& state = facts.system.memory_overwrite;
  switch (state.request) {
    case MemoryOverwriteRequest::no_efi:
      return found_ok("not an EFI boot: nobody asks the firmware to clear RAM");
    case MemoryOverwriteRequest::absent:
      return found_ok("the firmware does not offer MemoryOverwriteRequest");
    case MemoryOverwriteRequest::clear:
      return found_ok("MemoryOverwriteRequest is not set");
    case MemoryOverwriteRequest::not_seen:
      return found_unknown("the firmware's variables cannot be read",
                           "mount -t efivarfs efivarfs /sys/firmware/efi/efivars");
    case MemoryOverwriteRequest::set:
      break;
  }
  if (state.is_locked) {
    return found_failed(
        "MemoryOverwriteRequest is set, and locked: the firmware clears all RAM at the next reset",
        "switch it off in the firmware's setup (memory overwrite, or reset attack mitigation)");
  }
  return found_failed(
      "MemoryOverwriteRequest is set: the firmware clears all RAM at the next reset",
      "run `warmdump arm --clear-memory-overwrite` at every boot (clear_memory_overwrite = true "
      "in the settings). Its price: what processes keep secret stays in RAM over a crash, and "
      "whoever then starts another system on this machine can read it");
}

Finding judge_memory_encryption(const StatusFacts& facts) {
  const MemoryEncryption& encryption = facts.system.memory_encryption;
  if (encryption.encrypted_guest) {
    return found_failed(
        "an encrypted guest (AMD SEV or Intel TDX): a reset gives it new memory, or a new key",
        "run it without memory encryption, or save dumps another way");
  }
  if (retention_passed(facts))
    return found_ok("none that keeps RAM from surviving: the retention test passed");
  if (encryption.tme_offered) {
    return found_warning(
        "the processor has Intel TME; if the firmware has switched it on, RAM has a new key, "
        "and the dump is noise, after every reset",
        kTest);
  }
  if (encryption.sme_wanted || encryption.sme_offered) {
    return found_warning(
        encryption.sme_wanted
            ? "AMD SME is on; the dump is written unencrypted, and survives if the firmware does nothing else"
            : "the firmware has AMD SME switched on; it may encrypt all RAM by itself (TSME)",
        kTest);
  }
  return found_ok("none seen");
}

Finding judge_retention(const StatusFacts& facts) {
  const Seen<RetentionOutcome>& verdict = facts.system.retention;
  if (!verdict && verdict.code == ErrorCode::not_found) {
    return found_unknown("never tested on this machine", kTest);
  }
  if (!verdict) return not_seen(verdict);
  if (!verdict->of_this_firmware) {
    return found_unknown("the firmware is another one than at the last test", kTest);
  }
  if (verdict->is_retained()) return found_ok("the last test found every bit kept over a reset");
  if (verdict->word == "lost" || verdict->word == "partly") {
    return found_failed(verdict->word == "lost" ? "the last test found RAM cleared by a reset"
                                                : "the last test found RAM damaged by a reset",
                        "try another reset (warmdump arm --final-action), look for memory tests in the "
                        "firmware's setup, and test again with `warmdump selftest --retention`");
  }
  return found_unknown("the last test says nothing: " + verdict->word, kTest);
}

}  // namespace warmdump
