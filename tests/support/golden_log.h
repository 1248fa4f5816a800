// Logs of real crashes, tests/golden/*.dmesg: as vmcore-dmesg prints them, from a little before the crash.

#pragma once

#include <string>

#include "recover/report/printk_log.h"

namespace warmdump::test {

// `name`: without folder and suffix. A line without a time goes on with the record before it.
PrintkLog read_golden_log(const std::string& name);

PrintkLog parse_log(const std::string& text);

}  // namespace warmdump::test
