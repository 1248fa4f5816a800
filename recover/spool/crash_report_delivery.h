// Hands the crash reports of dumps in the spool to ChromeOS's crash_sender.

#pragma once

#include <cstddef>
#include <filesystem>

#include "common/hosted/failure.h"

namespace warmdump {

inline constexpr const char* kCrashReportDirectory = "/var/spool/crash";

// Copies the report of every finished dump in `spool` that has one and was not handed over before: the
// payload first, .meta last, so that the sender never sees half of one; never over a file or through a
// symbolic link. A file
// `.crash-report-delivered` in the dump's directory then says that it was. Killed anywhere and started again,
// each report is delivered; twice only if it was killed before that file and the sender was faster. Returns
// how many were delivered. Errors: not_found (no such directory), no_permission, no_space, io; reports before
// the failure are delivered.
Outcome<std::size_t> deliver_crash_reports(const std::filesystem::path& spool,
                                           const std::filesystem::path& target = kCrashReportDirectory);

}  // namespace warmdump
