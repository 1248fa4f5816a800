// DumpExtractor: the reading side, as the recovery state machine needs it. The real one is in
// dump_reader_extractor.h; tests use one that can be killed anywhere.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/device.h"
#include "common/hosted/failure.h"
#include "recover/dump/dump_authenticity.h"

namespace warmdump {

// What frames carry of dump_format::RegionHeader::dump_id, so that it can be told without a header.
using FrameDumpId = std::array<std::byte, 8>;

struct DumpIdentity {
  FrameDumpId id{};
  std::uint64_t crash_time_s = 0;  // 0 when unknown
  Authenticity authenticity = Authenticity::unchecked;
  std::string boot_id;  // of the boot that crashed, as the dump says; empty when it does not
};

struct ExtractedDump {
  bool complete = false;         // every page that was to be kept is in the files
  std::string completeness{};    // in words: "complete", or what is missing and why
  std::string authenticity{};    // authenticity_name()
  std::string key_id{};          // of the fleet key it is encrypted for; empty: the files are in clear
  ByteCount bytes_written = 0;   // size of all files
  std::string crash_text{};      // one line: what crashed; empty when unknown
  std::string signature{};       // CrashSignature::key; empty when unknown
  std::string signature_text{};  // the same for people
};

class DumpExtractor {
 public:
  using Progress = std::function<void(ByteCount done, ByteCount total)>;

  virtual ~DumpExtractor() = default;

  // In place of the secrets that it has, to check the next dump's seal with. One that checks none needs none.
  virtual void use_secrets(std::vector<SealSecret>) {}

  // The dump that the readable frames of `region` belong to; nullopt when not one frame can be read.
  // Works without a valid header. Errors: io; refused when the dump is a forgery.
  virtual Outcome<std::optional<DumpIdentity>> identify(const Device& region) = 0;

  // Writes the dump as files into the existing `directory`; what cannot be read is left out and said so in
  // the files. Leaves partial files behind on failure. Need not flush.
  // Errors: no_space; io; corrupt or unsupported when nothing useful can be made of the frames.
  virtual Outcome<ExtractedDump> extract(const Device& region, const std::filesystem::path& directory,
                                         const Progress& progress) = 0;
};

}  // namespace warmdump
