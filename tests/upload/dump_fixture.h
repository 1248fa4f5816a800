// A temporary directory with a finished dump in it, and the small helpers every upload test needs.

#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/temporary_directory.h"
#include "upload/transfer/clock.h"
#include "upload/transfer/upload_progress.h"

namespace warmdump {

void write_file(const std::filesystem::path& path, const std::string& text);
std::string read_file(const std::filesystem::path& path);
void write_random_file(const std::filesystem::path& path, std::size_t bytes);
bool same_bytes(const std::filesystem::path& left, const std::filesystem::path& right);
// Every path below, relative and sorted.
std::vector<std::string> listing(const std::filesystem::path& directory);

class DumpTest : public testing::Test {
 protected:
  DumpTest();
  // Replaces vmcore by random bytes.
  void make_vmcore(std::size_t bytes);

  test::TemporaryDirectory temporary;
  std::filesystem::path dump;  // named "host-2026-01-31-23:59:59": vmcore, vmcore-dmesg.txt, meta.json
};

// Waits in no time and remembers how long. `before_wait` runs at each wait.
class VirtualClock final : public Clock {
 public:
  std::chrono::system_clock::time_point now() override { return time; }
  std::chrono::milliseconds since_boot() override {
    return uptime + std::chrono::duration_cast<std::chrono::milliseconds>(time - start);
  }
  void sleep_for(std::chrono::milliseconds duration) override {
    time += duration;
    waits.push_back(duration);
    if (before_wait) before_wait();
  }

  static constexpr std::chrono::system_clock::time_point kStart{std::chrono::hours(24 * 365 * 56)};
  std::chrono::system_clock::time_point time = kStart;
  std::chrono::system_clock::time_point start = kStart;  // when `uptime` was the time since the boot
  std::chrono::milliseconds uptime = std::chrono::hours(1);
  std::vector<std::chrono::milliseconds> waits;
  std::function<void()> before_wait;
};

class RecordedProgress final : public UploadProgress {
 public:
  void begin(std::string_view label, ByteCount total_bytes) override {
    stages.emplace_back(label);
    total = total_bytes;
  }
  void update(ByteCount bytes) override {
    done = bytes;
    if (on_update) on_update(stages.back(), bytes);
  }
  void finish() override {}
  void note(std::string_view text) override { notes.emplace_back(text); }

  std::vector<std::string> stages;
  std::vector<std::string> notes;
  ByteCount total = 0;
  ByteCount done = 0;
  std::function<void(const std::string& stage, ByteCount)> on_update;
};

}  // namespace warmdump
