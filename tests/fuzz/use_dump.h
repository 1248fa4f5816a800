// Everything that is done with an opened dump, but for writing files; and what must hold of any dump that
// opened.

#pragma once

#include "recover/dump/dump_reader.h"

namespace warmdump::fuzz {

void use_dump(const DumpReader& dump);

}  // namespace warmdump::fuzz
