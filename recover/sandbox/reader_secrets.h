// Which secrets a confined reader gets, and how. Who has taken over the reader of a dump has what it knows;
// so it knows the secret of the boot whose dump it reads, and of no other.
//
// The child is forked before any secret is read, so that none is in the memory it inherits. Then its parent
// finds the boot by checksums and seals alone, no payload is decoded for it, and sends that boot's secret.

#pragma once

#include <optional>
#include <vector>

#include "common/device.h"
#include "common/hosted/arm_record.h"
#include "recover/dump/dump_authenticity.h"
#include "recover/sandbox/reader_process.h"

namespace warmdump {

// Of the recorded secrets the one by which the dump on `region` can be judged. Where no record has one:
// nothing. Where none is of its boot, a made-up one of no boot, so that the reader judges as who knows
// others. No copy of a secret stays behind in this process but in what is returned.
std::vector<SealSecret> secrets_for_reader(const Device& region, const ArmRecords& records = ArmRecords());

// Sends them behind `request`, and wipes them here. Errors: those of ReaderProcess::ask.
Outcome<void> hand_over_secrets(ReaderProcess& reader, char request, std::vector<SealSecret>& secrets);

// In the reader: what was sent. Empty when nobody sends any more.
std::optional<std::vector<SealSecret>> receive_secrets(int socket);

}  // namespace warmdump
