#include "recover/report/redact_dump.h"

#include <set>
#include <string>

#include "recover/report/chromeos_signature.h"
#include "recover/report/redaction.h"

namespace warmdump {
namespace {

// Values that look like what the rules take out, and are no data of a person.
const std::set<std::string> kKept = {"boot_id", "machine_id_hash", "consent_sha256", "kernel_build_id"};

}  // namespace

void redact(DumpContents& contents) {
  DumpSummary& summary = contents.summary;
  Redaction redaction;
  redaction.add_known("host", summary.kernel.node_name);
  if (const auto host = summary.capture_info.find("hostname"); host != summary.capture_info.end())
    redaction.add_known("host", host->second);
  for (PrintkRecord& record : contents.log.records) record.text = redaction.redact(record.text);
  summary.panic_text = redaction.redact(summary.panic_text);
  summary.trace.registers = redaction.redact(summary.trace.registers);
  summary.kernel.node_name = redaction.redact(summary.kernel.node_name);
  summary.kernel.version = redaction.redact(summary.kernel.version);
  if (summary.kernel.domain_name != "(none)")
    summary.kernel.domain_name = redaction.redact(summary.kernel.domain_name);
  summary.region.error_text = redaction.redact(summary.region.error_text);
  for (auto& [key, value] : summary.capture_info) {
    if (!kKept.contains(key)) value = redaction.redact(value);
  }
  if (!summary.signature.chromeos.empty())
    summary.signature.chromeos = chromeos_signature(format_kcrash(contents.log));
  summary.redacted = true;
}

}  // namespace warmdump
