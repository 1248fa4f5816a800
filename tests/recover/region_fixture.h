// What the tests of recovery share: a region in memory, a dump on it, an extractor and events that can be
// made to fail or die anywhere.

#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "common/dump_format/dump_format.h"
#include "common/dump_format/dump_header.h"
#include "common/dump_format/frame.h"
#include "recover/dump_extractor.h"
#include "recover/recover_events.h"
#include "recover/recover_region.h"
#include "recover/region/wipe.h"
#include "tests/support/temporary_directory.h"

namespace warmdump::test {

namespace fs = std::filesystem;

inline constexpr ByteCount kTestRegionSize = dump_format::kRegionSizeMin;
inline constexpr const char* kPlantedText = "the kernel that was";
inline constexpr const char* kPlantedBoot = "4a2e9d10-3c5f-4b7e-8a61-0d9c2f4e6b88";
inline constexpr const char* kPlantedId = "1011121314151617";

// Thrown by the doubles in the place of a SIGKILL: nobody catches it, so no clean-up runs but destructors.
struct Killed {};

// Counts the steps of a run and strikes at one of them.
struct StepCounter {
  int count = 0;
  int strike_at = 0;  // 0: never
  bool strikes() { return ++count == strike_at; }
};

class MemoryRegion final : public Device {
 public:
  explicit MemoryRegion(ByteCount size = kTestRegionSize) : bytes(size) {}

  std::vector<std::byte> bytes;
  std::function<Result<void>(const char* operation)> before = [](const char*) { return Result<void>(); };
  bool tear_writes = false;  // a write whose `before` throws has changed the first half

  ByteCount size() const override { return bytes.size(); }
  Result<void> read_at(ByteCount offset, std::span<std::byte> target) const override {
    TRY(before("read"));
    if (offset + target.size() > bytes.size()) return Error::make(ErrorCode::invalid, "read past the end");
    std::memcpy(target.data(), bytes.data() + offset, target.size());
    return {};
  }
  Result<void> write_at(ByteCount offset, std::span<const std::byte> source) override {
    if (offset + source.size() > bytes.size()) return Error::make(ErrorCode::no_space, "write past the end");
    if (tear_writes) std::memcpy(bytes.data() + offset, source.data(), source.size() / 2);
    TRY(before("write"));
    std::memcpy(bytes.data() + offset, source.data(), source.size());
    return {};
  }
  Result<void> persist() override { return before("persist"); }

  // Bytes that are not zero, outside of the two header copies.
  ByteCount leftovers() const {
    ByteCount count = 0;
    for (ByteCount i = 0; i < bytes.size(); ++i) {
      const ByteCount page = round_down(i, 4 * kKiB);
      if (page == dump_format::kHeaderOffset || page == dump_format::kHeaderCopyOffset) continue;
      if (bytes[i] != std::byte{0}) ++count;
    }
    return count;
  }
};

inline dump_format::State state_of(const Device& region) {
  const auto header = read_region_header(region);
  return header ? static_cast<dump_format::State>(static_cast<std::uint32_t>(header->state))
                : static_cast<dump_format::State>(0);
}

// A region after a crash: header in `state`, one frame with kPlantedText, user bytes around.
inline void plant_dump(Device& region, dump_format::State state, PhysicalAddress start = 0) {
  using namespace dump_format;
  const std::vector<std::byte> noise(64 * kKiB, std::byte{0xa7});
  for (ByteCount offset = kFramesOffset; offset + noise.size() <= region.size(); offset += noise.size()) {
    ASSERT_TRUE(region.write_at(offset, noise));
  }
  RegionHeader header = make_header(start, region.size());
  header.state = static_cast<std::uint32_t>(state);
  header.phase = static_cast<std::uint32_t>(Phase::finished);
  header.crash_time_s = 1'700'000'000;
  header.frame_count = 1;
  for (unsigned i = 0; i < sizeof(header.dump_id); ++i)
    header.dump_id[i] = static_cast<unsigned char>(0x10 + i);
  header.frames_end = kFramesOffset + frame_footprint(std::strlen(kPlantedText));
  ASSERT_TRUE(write_region_header(region, header));

  const auto payload = std::as_bytes(std::span(kPlantedText, std::strlen(kPlantedText)));
  const auto frame =
      make_frame_header(FrameType::blob, Codec::stored, 0, std::span(header.dump_id).first<8>(), payload,
                        static_cast<std::uint32_t>(payload.size()));
  ASSERT_TRUE(region.write_at(kFramesOffset, std::as_bytes(std::span(&frame, 1))));
  ASSERT_TRUE(region.write_at(kFramesOffset + sizeof(frame), payload));
}

// Reads the one frame of plant_dump() for real; writes it as `vmcore`, with two files beside it.
class OneFrameExtractor final : public DumpExtractor {
 public:
  std::function<Outcome<void>()> before = [] { return Outcome<void>(); };
  std::optional<Failure> identify_fails;
  int extractions = 0;
  Authenticity authenticity = Authenticity::sealed;

  Outcome<std::optional<DumpIdentity>> identify(const Device& region) override {
    if (identify_fails) return *identify_fails;
    dump_format::FrameHeader header;
    TRY(region.read_at(dump_format::kFramesOffset, std::as_writable_bytes(std::span(&header, 1))));
    const auto bytes = std::as_bytes(std::span(&header, 1)).first<sizeof(header)>();
    std::optional<DumpIdentity> identity;
    if (dump_format::decode_frame_header(bytes, std::span(header.dump_id))) {
      identity.emplace();
      identity->authenticity = authenticity;
      identity->boot_id = authenticity == Authenticity::unsealed ? "" : kPlantedBoot;
      std::memcpy(identity->id.data(), header.dump_id, identity->id.size());
    }
    return identity;
  }

  Outcome<ExtractedDump> extract(const Device& region, const fs::path& directory,
                                 const Progress& progress) override {
    ++extractions;
    std::string text(std::strlen(kPlantedText), '\0');
    TRY(region.read_at(dump_format::kFramesOffset + sizeof(dump_format::FrameHeader),
                       std::as_writable_bytes(std::span(text))));
    for (const char* name : {"vmcore", "vmcore-dmesg.txt", "meta.json"}) {
      TRY(before());
      std::ofstream file(directory / name);
      file << text << std::flush;
      if (!file) return Failure(ErrorCode::no_space, "cannot write " + (directory / name).string());
    }
    progress(text.size(), text.size());
    return ExtractedDump{.complete = true,
                         .completeness = "complete",
                         .authenticity = "unchecked",
                         .bytes_written = 3 * text.size(),
                         .crash_text = text};
  }
};

class RecordingEvents final : public RecoverEvents {
 public:
  std::function<void()> before = [] {};
  std::vector<std::string> steps;

  void step(const std::string& text) override {
    before();
    steps.push_back(text);
  }
  void progress(const char*, ByteCount, ByteCount) override { before(); }
};

// Makes root's record of the boot that plant_dump() speaks of.
inline void record_planted_boot(const ArmRecords& records) {
  ArmRecord record;
  record.boot_id = kPlantedBoot;
  record.secret = *Secret::fresh();
  ASSERT_TRUE(records.store(record));
}

inline std::vector<std::string> noted_dumps(const ArmRecords& records) {
  const auto record = records.find(kPlantedBoot);
  return record && *record ? (*record)->dumps_taken : std::vector<std::string>();
}

// The names in a spool, sorted.
inline std::vector<std::string> names_in(const fs::path& spool) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(spool)) names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

inline std::string content_of(const fs::path& file) {
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

// The end every run must reach, however often it was interrupted: one complete dump, a wiped region.
inline void expect_one_dump(const fs::path& spool, const std::string& when) {
  const auto names = names_in(spool);
  ASSERT_EQ(names, std::vector<std::string>{"host-2023-11-14-22:13:20"}) << when;
  EXPECT_EQ(content_of(spool / names[0] / "vmcore"), kPlantedText) << when;
  EXPECT_EQ(content_of(spool / names[0] / "meta.json"), kPlantedText) << when;
}

}  // namespace warmdump::test
