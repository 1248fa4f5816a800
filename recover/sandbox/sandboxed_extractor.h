// SandboxedExtractor: has another DumpExtractor do its work in a confined child process (confinement.h), so
// that a dump made to take over its reader takes over a process that may do nothing.
//
// One child serves identify() and the extract() after it. It gets the region, opened anew for reading only;
// what the inner extractor holds; the secrets that SandboxOptions::secrets finds for this region; and a room
// to write in (reader_room.h). It starts with the first of these calls: a boot without a dump starts none.
//
// While it works, SIGINT, SIGTERM and SIGHUP end it, and are a failure of the call, see
// common/hosted/interruption.h.
//
// A child that crashes, hangs, floods, lies or takes too much memory is one Failure of the call, which says
// so; nothing that it wrote is kept.

#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <string>

#include "recover/dump_extractor.h"
#include "recover/sandbox/message_channel.h"
#include "recover/sandbox/reader_process.h"
#include "recover/sandbox/reader_room.h"
#include "recover/sandbox/reader_user.h"

namespace warmdump {

struct SandboxOptions {
  std::filesystem::path spool;  // on the file system that extract() writes to; exists when a call comes
  std::string user = kReaderUserDefault;
  ByteCount memory_max = Confinement().memory_max;
  MessageReceiver::Limits limits;
  // Called in this process when the child is forked; what it returns the child gets in place of what the
  // inner extractor has. Missing: that stays.
  std::function<std::vector<SealSecret>(const Device& region)> secrets = {};
  // Hears, once a wall, what this system does not have, and why.
  std::function<void(const std::string&)> warn = [](const std::string&) {};
};

class SandboxedExtractor final : public DumpExtractor {
 public:
  // `inner` is borrowed; its methods are called in the child only.
  SandboxedExtractor(DumpExtractor& inner, SandboxOptions options)
      : inner_(inner), options_(std::move(options)) {}

  // Errors, beside those of the inner extractor: crashed, timed_out, corrupt (see above); those of
  // ReaderRoom; io (no child could be started).
  Outcome<std::optional<DumpIdentity>> identify(const Device& region) override;

  // bytes_written is counted here. Errors as above; `directory` is left as it was by a child that fails.
  Outcome<ExtractedDump> extract(const Device& region, const std::filesystem::path& directory,
                                 const Progress& progress) override;

 private:
  Outcome<void> start(const Device& region);
  Outcome<void> give_secrets(const Device& region);
  Outcome<void> make_room(std::optional<ReaderUser>& user);
  Outcome<std::optional<DumpIdentity>> identified_by_reader(const Device& region);
  Outcome<ExtractedDump> extracted_by_reader(const Device& region, const std::filesystem::path& directory,
                                             const Progress& progress);
  Failure failure_in(const nlohmann::json& message);
  void warn(const std::string& text);
  void end();

  DumpExtractor& inner_;
  SandboxOptions options_;
  std::set<std::string> warned_;
  std::optional<std::string> known_boot_;  // whose secret the child was given
  std::optional<ReaderRoom> room_;
  std::optional<ReaderProcess> reader_;
};

}  // namespace warmdump
