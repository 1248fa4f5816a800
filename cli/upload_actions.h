// What `warmdump upload` does: one file of sources an action.

#pragma once

#include "cli/exit_code.h"
#include "cli/upload_settings.h"

namespace warmdump {

// One dump, at once, because a person asked for it (upload_by_hand.cc).
ExitCode upload_by_hand(const UploadArguments& arguments, const UploadSettings& settings);

// A run over the spool, by the settings and their policy; with --dry-run what it would do
// (upload_from_spool.cc).
ExitCode upload_from_spool(const UploadArguments& arguments, const UploadSettings& settings);

// Removes what was sent from the spool, if the settings want that (upload_from_spool.cc).
ExitCode tidy_spool(const UploadArguments& arguments, const UploadSettings& settings);

// upload_status.cc
ExitCode show_upload_status(const UploadArguments& arguments, const UploadSettings& settings);
ExitCode pause_uploading(const UploadSettings& settings);
ExitCode resume_uploading(const UploadSettings& settings);

// The destination, with a warning when who sees the traffic can read the dump.
Outcome<std::unique_ptr<Destination>> open_destination(const UploadSettings& settings);

}  // namespace warmdump
