// An encrypted capture: nothing of the machine in clear, and no two payloads with one nonce, whatever has to
// be made again, and however many threads compress.

#include <gmock/gmock.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>
#include <set>

#include "capture/capture_pipeline.h"
#include "common/dump_format/dump_header.h"
#include "common/dump_format/frame.h"
#include "common/hosted/fleet_key.h"
#include "tests/capture/dump_checks.h"
#include "tests/support/recipe_files.h"
#include "tests/support/temporary_directory.h"

namespace warmdump {
namespace {

using namespace dump_format;

constexpr ByteCount kLargeFrame = 16 * kKiB;
constexpr const char* kBoot = "4a2e9d10-3c5f-4b7e-8a61-0d9c2f4e6b88";

// A region that remembers every encrypted frame that was ever written to it, and that a stray device damages:
// each of the first `damages_max` large encrypted frames, whether they are written for the first time or
// again. Large ones, because the writer itself writes the block again in which the last frame ended.
class RememberingDevice final : public Device {
 public:
  explicit RememberingDevice(ByteCount size) : bytes(size) {}

  ByteCount size() const override { return bytes.size(); }
  Result<void> read_at(ByteCount offset, std::span<std::byte> target) const override {
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(offset), target.size(), target.begin());
    return {};
  }
  Result<void> write_at(ByteCount offset, std::span<const std::byte> source) override {
    std::copy(source.begin(), source.end(), bytes.begin() + static_cast<std::ptrdiff_t>(offset));
    for (ByteCount at = 0; at + sizeof(FrameHeader) <= source.size(); at += kFrameAlignment) {
      const auto frame = remember(offset + at, source.subspan(at).first<sizeof(FrameHeader)>());
      if (!frame || frame->stored_size < kLargeFrame || damages == damages_max) continue;
      bytes[offset + at + kLargeFrame / 2] ^= std::byte{0x40};
      ++damages;
    }
    return {};
  }
  Result<void> persist() override { return {}; }

  std::vector<std::byte> bytes;
  unsigned damages_max = 0;
  unsigned damages = 0;
  std::map<std::uint64_t, FrameHeader> frames;  // by cipher number
  std::set<ByteCount> clear_frames;             // where those lie that are not encrypted, made again too
  unsigned reused = 0;                          // numbers that came with two payloads

 private:
  // The header of the encrypted frame that begins here, if one does.
  std::optional<FrameHeader> remember(ByteCount offset,
                                      std::span<const std::byte, sizeof(FrameHeader)> head) {
    FrameHeader header;
    std::memcpy(&header, head.data(), sizeof(header));
    if (!decode_frame_header(head, header.dump_id).has_value()) return {};
    if (!is_encrypted(header)) {
      clear_frames.insert(offset);
      return {};
    }
    const auto [known, is_new] = frames.emplace(header.cipher_number, header);
    if (!is_new && known->second.payload_crc != header.payload_crc) ++reused;
    return header;
  }
};

class EncryptedCapture : public testing::Test {
 protected:
  EncryptedCapture() {
    const auto recipe = synthetic::Recipe::parse(test::recipe_text("linux_6_1"));
    auto truth = synthetic::build_vmcore(*recipe, directory_.file("vmcore"));
    EXPECT_TRUE(truth.has_value());
    truth_.emplace(std::move(*truth));
  }

  void capture(RememberingDevice& region, unsigned threads) {
    FileDevice vmcore;
    ASSERT_TRUE(vmcore.open(directory_.file("vmcore").c_str(), FileDevice::Access::read_only).has_value());
    RegionHeader header = make_header(0, region.size());
    header.dump_id[0] = 7;
    const Secret secret = *Secret::fresh();
    const Secret key = *Secret::fresh();
    const WrappedKey wrapped = *private_.public_key().wrap(key, secret);
    CaptureRequest request;
    request.info = "marker=nobody-may-read-this\n";
    request.threads = threads;
    request.secret.boot_id = kBoot;
    request.secret.is_set = true;
    std::ranges::copy(secret.bytes(), request.secret.secret);
    std::ranges::copy(key.bytes(), request.encryption.key);
    std::ranges::copy(private_.public_key().id(), request.encryption.key_id);
    std::ranges::copy(wrapped, request.encryption.wrapped_key);
    request.encryption.is_set = true;
    ASSERT_TRUE(capture_vmcore(vmcore, region, header, request, report_).has_value());
  }

  bool holds(const RememberingDevice& region, std::string_view text) const {
    const auto bytes = std::as_bytes(std::span(text));
    return std::ranges::search(region.bytes, bytes).begin() != region.bytes.end();
  }

  test::TemporaryDirectory directory_{test::TemporaryDirectory::Place::memory};
  std::optional<synthetic::VmcoreTruth> truth_;
  const FleetPrivateKey private_ = *FleetPrivateKey::fresh();
  CaptureReport report_;
};

TEST_F(EncryptedCapture, comes_back_whole_with_the_private_key_and_shows_nothing_without) {
  RememberingDevice region(64 * kMiB);
  capture(region, 1);
  EXPECT_FALSE(holds(region, "nobody-may-read-this"));
  EXPECT_FALSE(holds(region, "OSRELEASE="));
  const auto closed = DumpReader::open(region);
  ASSERT_FALSE(closed.has_value());
  EXPECT_EQ(closed.error().code, ErrorCode::no_permission);
  const auto dump = DumpReader::open_encrypted(region, private_);
  ASSERT_TRUE(dump.has_value()) << dump.error().message;
  EXPECT_EQ(dump->authenticity(), Authenticity::sealed);
  EXPECT_FALSE(dump->damage().any());
  expect_whole(*dump, *truth_);
  EXPECT_THAT(std::string(dump->blobs().bytes(BlobKind::capture_info)), testing::HasSubstr("marker="));
}

TEST_F(EncryptedCapture, uses_no_nonce_twice_whatever_is_made_again) {
  constexpr unsigned kDamages = 5;
  for (const unsigned threads : {1U, 4U}) {
    SCOPED_TRACE(threads);
    RememberingDevice region(64 * kMiB);
    region.damages_max = kDamages;
    capture(region, threads);
    const auto dump = DumpReader::open_encrypted(region, private_);
    ASSERT_TRUE(dump.has_value()) << dump.error().message;
    expect_whole(*dump, *truth_);
    EXPECT_EQ(dump->header()->frames_rewritten, kDamages);
    EXPECT_EQ(region.reused, 0U);
    EXPECT_FALSE(region.frames.contains(0));
    // Every frame that was made again took a number of its own: more numbers than frames.
    EXPECT_GE(region.frames.size() + region.clear_frames.size(),
              report_.header.frame_count + dump->header()->frames_rewritten);
  }
}

}  // namespace
}  // namespace warmdump
