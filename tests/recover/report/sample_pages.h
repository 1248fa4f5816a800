// Pages of dumps as tests need them: for the unit tests, and as files for those in a browser.

#pragma once

#include <string>

#include "recover/report/printk_log.h"

namespace warmdump::test {

PrintkLog oops_log();

std::string complete_page();
std::string incomplete_page();
// Markup, control characters, bad UTF-8, marks of direction in every text that comes from a dump.
std::string hostile_page();
// The longest texts and lists everywhere, in a machine of terabytes with holes.
std::string largest_page();

}  // namespace warmdump::test
