// What came of `warmdump recover`, for people and for programs.

#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "recover/recover_machine.h"

namespace warmdump {

// One "label      text" line on standard output.
void print_recovery_line(const char* label, const std::string& text);

void print_recovery(const Recovery& recovery);

// Stable: keys are added, never renamed or removed. `total_ms`: of the whole run.
nlohmann::json recovery_as_json(const Recovery& recovery, std::uint64_t total_ms);

// The parts of print_recovery() and recovery_as_json() that `warmdump release` has too.
void print_region(const std::string& name, PhysicalAddress start, ByteCount size);
void print_returned(const RegionReturn& returned);
nlohmann::json returned_as_json(const RegionReturn& returned);
nlohmann::json return_times_as_json(const RegionReturn& returned);

nlohmann::json recover_failure_as_json(const Failure& failure);

}  // namespace warmdump
