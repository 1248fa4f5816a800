// The options of `warmdump upload`: the command line over [upload] and [consent] of the settings.

#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/hosted/settings.h"
#include "upload/destination/destination.h"
#include "upload/queue/upload_queue.h"

namespace warmdump {

// As they are written on the command line; empty: not there.
struct UploadArguments {
  std::string dump;
  std::string to;
  std::string ca_file;
  std::string credentials_file;
  std::string endpoint;
  std::string region;
  std::string device;
  std::string settings = kSettingsPath;
  std::string spool;
  std::string state;
  unsigned attempts = 0;
  bool again = false;
  bool now = false;
  bool dry_run = false;
  bool tidy = false;
  bool json = false;
};

struct UploadSettings {
  std::string address;  // empty: nothing is sent
  DestinationOptions destination;
  QueueOptions queue;
  std::string state;            // directory of the records
  std::string consent_file;     // empty: no consent is needed
  std::string metered_command;  // empty: NetworkManager is asked
  bool delete_sent = false;
};

// Errors, all `invalid`: what is wrong in the settings file, in any of its tables; options that do not go
// together. What --to names is reached by options of the command line alone: secrets of the settings go to
// the destination of the settings and to no other.
Outcome<UploadSettings> upload_settings(const UploadArguments& arguments);

// Pure part. `host`: the name of the machine.
Outcome<UploadSettings> upload_settings(const UploadArguments& arguments, const Settings& settings,
                                        const std::string& host);

// How [upload] says that its destination is reached.
DestinationOptions destination_options(const Settings::Upload& upload);

}  // namespace warmdump
