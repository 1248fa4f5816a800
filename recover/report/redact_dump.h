// Redaction of all that is told of a dump in text: its log and its summary, with one set of placeholders.

#pragma once

#include "recover/report/dump_summary.h"

namespace warmdump {

// The host's name is known from the dump and goes everywhere. Ids of boots, builds and regions stay: they
// name no person. The signature's text and key never hold personal data; the ChromeOS one is made again of
// the redacted log.
void redact(DumpContents& contents);

}  // namespace warmdump
