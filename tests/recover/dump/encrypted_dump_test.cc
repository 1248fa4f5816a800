// Encrypted dumps: kept by the machine that cannot read them, opened with the fleet's private key, and
// refused when somebody changed them on the way.

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "common/dump_format/dump_header.h"
#include "common/dump_format/frame.h"
#include "common/file_device.h"
#include "common/hosted/interruption.h"
#include "common/hosted/sha256.h"
#include "recover/decrypt_dump.h"
#include "recover/dump/dump_reader.h"
#include "recover/output/dump_image.h"
#include "recover/report/dump_directory.h"
#include "recover/report/encrypted_directory.h"
#include "selftest/machine/vmcore_builder.h"
#include "tests/support/capture_program.h"
#include "tests/support/dump_builder.h"
#include "tests/support/recipe_files.h"
#include "tests/support/temporary_directory.h"

namespace warmdump::test {
namespace {

namespace fs = std::filesystem;
using dump_format::FrameHeader;
using dump_format::kFramesOffset;
using dump_format::kHeaderCopyOffset;
using dump_format::kHeaderOffset;
using dump_format::kHeaderSize;
using dump_format::RunContent;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

constexpr const char* kBoot = "4a2e9d10-3c5f-4b7e-8a61-0d9c2f4e6b88";
constexpr Pfn kFirstPfn = 0x100, kPages = 64;

std::string text_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> names_in(const fs::path& directory) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory)) names.push_back(entry.path().filename());
  return names;
}

class EncryptedDump : public testing::Test {
 protected:
  EncryptedDump() {
    seal_.secret = secret_.bytes();
    std::ranges::copy(key_.bytes(), encryption_.key);
    std::ranges::copy(private_.public_key().id(), encryption_.key_id);
    std::ranges::copy(*private_.public_key().wrap(key_, secret_), encryption_.wrapped_key);
    encryption_.is_set = true;
  }

  // Four frames of pages, and the end. Another `dump_id` is another dump of the same boot.
  MemoryDevice make_dump(unsigned char dump_id = 1, bool has_end = true) const {
    DumpBuilder builder(4 * kMiB);
    builder.header.dump_id[0] = dump_id;
    builder.seal_with(seal_);
    builder.encrypt_with(encryption_, kBoot);
    for (Pfn pfn = kFirstPfn; pfn < kFirstPfn + kPages; pfn += 16) {
      const test::Run run{pfn, 16, RunContent::data};
      builder.add_pages({&run, 1});
    }
    if (has_end) builder.add_end();
    return builder.build(has_end ? dump_format::State::complete : dump_format::State::writing);
  }

  MemoryDevice image_of(const MemoryDevice& region) const {
    const auto image = DumpImage::open(region, {&seal_, 1});
    EXPECT_TRUE(image.has_value());
    std::vector<std::byte> bytes(image->size());
    EXPECT_TRUE(image->read_at(0, bytes));
    return MemoryDevice(std::move(bytes));
  }

  static void write_to(const fs::path& path, const MemoryDevice& bytes) {
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.bytes.data()),
               static_cast<std::streamsize>(bytes.bytes.size()));
  }

  // Decrypts from a file with these bytes; whatever happens, nothing but a finished directory may be there.
  Outcome<DumpSummary> decrypt(const MemoryDevice& bytes, bool take_damaged = false) {
    const fs::path source = directory_ / "source";
    write_to(source, bytes);
    const fs::path target = directory_ / "clear";
    fs::remove_all(target);
    auto summary =
        decrypt_dump({.source = source, .directory = target, .take_damaged = take_damaged, .options = {}},
                     own_key(), nullptr);
    EXPECT_EQ(fs::exists(target), summary.has_value());
    EXPECT_FALSE(fs::exists(target.string() + "-incomplete"));
    return summary;
  }

  PrivateKeySource own_key() const {
    return [this] { return Outcome<FleetPrivateKey>(private_); };
  }

  const FleetPrivateKey private_ = *FleetPrivateKey::fresh();
  const Secret secret_ = *Secret::fresh();
  const Secret key_ = *Secret::fresh();
  SealSecret seal_{.boot_id = kBoot, .secret = {}};
  dump_format::DumpEncryption encryption_;
  TemporaryDirectory directory_{TemporaryDirectory::Place::memory};
};

void lose_headers(MemoryDevice& region) {
  for (const ByteCount offset : {kHeaderOffset, kHeaderCopyOffset})
    std::memset(region.bytes.data() + offset, 0, kHeaderSize);
}

void expect_all_pages(const Outcome<DumpReader>& dump) {
  ASSERT_TRUE(dump.has_value()) << dump.error().message;
  PageReader reader(*dump);
  for (Pfn pfn = kFirstPfn; pfn < kFirstPfn + kPages; ++pfn) {
    Page page;
    const auto read = reader.read(pfn, page);
    ASSERT_TRUE(read && *read) << pfn;
    EXPECT_EQ(page, page_content(pfn));
  }
}

TEST_F(EncryptedDump, is_read_with_the_private_key_from_region_and_image_with_and_without_headers) {
  MemoryDevice region = make_dump();
  expect_all_pages(DumpReader::open_encrypted(region, private_));
  expect_all_pages(DumpReader::open_encrypted(image_of(region), private_));
  lose_headers(region);
  expect_all_pages(DumpReader::open_encrypted(region, private_));
  expect_all_pages(DumpReader::open_encrypted(image_of(region), private_));
}

TEST_F(EncryptedDump, is_not_read_without_it) {
  const MemoryDevice region = make_dump();
  const auto closed = DumpReader::open(region, {&seal_, 1});
  ASSERT_FALSE(closed.has_value());
  EXPECT_EQ(closed.error().code, ErrorCode::no_permission);
  EXPECT_THAT(closed.error().message, HasSubstr(key_id_text(private_.public_key().id())));
  const auto other = DumpReader::open_encrypted(region, *FleetPrivateKey::fresh());
  ASSERT_FALSE(other.has_value());
  EXPECT_EQ(other.error().code, ErrorCode::refused);
  EXPECT_THAT(other.error().message, HasSubstr("is encrypted for fleet key"));
}

TEST_F(EncryptedDump, is_kept_by_its_machine_with_nothing_in_clear) {
  const fs::path kept = directory_ / "kept";
  fs::create_directory(kept);
  const MemoryDevice region = make_dump();
  const auto opened = DumpImage::open(region, {&seal_, 1});
  ASSERT_TRUE(opened.has_value());
  const auto summary = write_encrypted_directory(*opened, kept, nullptr);
  ASSERT_TRUE(summary.has_value()) << summary.error().message;
  EXPECT_THAT(names_in(kept), UnorderedElementsAre("dump.warmdump", "meta.json"));
  const auto meta = read_dump_directory(kept);
  ASSERT_TRUE(meta.has_value());
  EXPECT_TRUE(meta->encrypted);
  EXPECT_TRUE(meta->complete) << meta->completeness;
  EXPECT_EQ(meta->key_id, key_id_text(private_.public_key().id()));
  EXPECT_EQ(meta->authenticity, "sealed");
  EXPECT_EQ(meta->capture_info.at("boot_id"), kBoot);
  EXPECT_EQ(meta->pages.total.data, kPages);
  EXPECT_EQ(meta->panic_text, "");

  const fs::path clear = directory_ / "clear";
  const auto decrypted = decrypt_dump(
      {.source = kept, .directory = clear, .take_damaged = false, .options = {}}, own_key(), nullptr);
  ASSERT_TRUE(decrypted.has_value()) << decrypted.error().message;
  EXPECT_FALSE(decrypted->encrypted);
  EXPECT_EQ(decrypted->key_id, meta->key_id);
  EXPECT_THAT(names_in(clear), testing::IsSupersetOf({"vmcore", "meta.json"}));
  const auto again = decrypt_dump({.source = kept, .directory = clear, .take_damaged = false, .options = {}},
                                  own_key(), nullptr);
  EXPECT_EQ(again.error().code, ErrorCode::refused);
}

TEST_F(EncryptedDump, decrypting_that_is_interrupted_leaves_nothing_in_clear) {
  const fs::path clear = directory_ / "clear";
  write_to(directory_ / "source", make_dump());
  // In a process of its own: whoever was interrupted once stays so.
  const pid_t child = ::fork();
  if (child == 0) {
    const InterruptionWatch watch;
    const auto summary = decrypt_dump(
        {.source = directory_ / "source", .directory = clear, .take_damaged = false, .options = {}},
        own_key(), [](PageCount, PageCount) { ::raise(SIGTERM); });
    const bool is_told = !summary.has_value() && is_interruption(summary.error());
    ::_exit(is_told ? 7 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  // A signal that came with the last page is seen by nobody and raised again when the work is over.
  const bool was_late = WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM;
  EXPECT_TRUE(was_late || (WIFEXITED(status) && WEXITSTATUS(status) == 7)) << status;
  EXPECT_FALSE(fs::exists(clear.string() + "-incomplete"));
  EXPECT_EQ(fs::exists(clear), was_late);
}

TEST_F(EncryptedDump, with_any_byte_of_its_image_changed_is_refused) {
  const MemoryDevice whole = image_of(make_dump());
  ASSERT_TRUE(decrypt(whole).has_value());
  std::vector<ByteCount> places;
  for (ByteCount at = 0; at < sizeof(dump_format::ImageMark); at += 5) places.push_back(at);
  ByteCount at = kFramesOffset;
  for (FrameHeader header; at + sizeof(header) < whole.bytes.size();) {
    std::memcpy(&header, whole.bytes.data() + at, sizeof(header));
    if (header.magic != dump_format::kFrameMagic) break;
    for (ByteCount byte = 0; byte < sizeof(header); byte += 3) places.push_back(at + byte);
    for (ByteCount byte = 0; byte < header.stored_size; byte += 499)
      places.push_back(at + sizeof(header) + byte);
    at += dump_format::frame_footprint(header.stored_size);
  }
  for (const ByteCount place : places) {
    MemoryDevice changed = whole;
    changed.bytes[place] ^= std::byte{0x20};
    const auto done = decrypt(changed);
    // Without its mark an image is like a region, and its frames are all there.
    const bool is_mark = place < sizeof(dump_format::ImageMark);
    EXPECT_EQ(done.has_value(), is_mark) << place;
  }
}

TEST_F(EncryptedDump, with_both_headers_changed_is_refused) {
  const MemoryDevice whole = image_of(make_dump());
  for (ByteCount byte = 0; byte < 600; byte += 3) {
    MemoryDevice changed = whole;
    changed.bytes[kHeaderOffset + byte] ^= std::byte{0x20};
    changed.bytes[kHeaderCopyOffset + byte] ^= std::byte{0x20};
    // As somebody would who can compute a checksum.
    dump_format::RegionHeader header;
    std::memcpy(&header, changed.bytes.data() + kHeaderOffset, sizeof(header));
    dump_format::close_header(header);
    for (const ByteCount offset : {kHeaderOffset, kHeaderCopyOffset})
      std::memcpy(changed.bytes.data() + offset, &header, sizeof(header));
    const bool may_change =
        (byte >= 32 && byte < 40) || (byte >= 72 && byte < 76) || (byte >= 188 && byte < 192);
    EXPECT_TRUE(may_change || !decrypt(changed).has_value()) << byte;
  }
}

TEST_F(EncryptedDump, cut_or_spliced_is_refused_and_what_is_left_can_be_asked_for) {
  const MemoryDevice whole = image_of(make_dump());
  MemoryDevice cut = whole;
  FrameHeader first;
  std::memcpy(&first, cut.bytes.data() + kFramesOffset, sizeof(first));
  const ByteCount second = kFramesOffset + dump_format::frame_footprint(first.stored_size);
  std::memset(cut.bytes.data() + second + 4 * kKiB, 0, cut.bytes.size() - second - 4 * kKiB);
  const auto refused = decrypt(cut);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::refused);
  EXPECT_THAT(refused.error().message, HasSubstr("changed or cut"));
  const auto left = decrypt(cut, true);
  ASSERT_TRUE(left.has_value()) << left.error().message;
  EXPECT_FALSE(left->complete);

  // Frames of another dump of the same boot in the place of this one's.
  const MemoryDevice other = image_of(make_dump(2));
  MemoryDevice spliced = whole;
  std::copy(other.bytes.begin() + kFramesOffset, other.bytes.end(), spliced.bytes.begin() + kFramesOffset);
  EXPECT_FALSE(decrypt(spliced).has_value());
}

TEST_F(EncryptedDump, that_was_torn_when_it_was_stored_is_no_changed_one) {
  const auto summary = decrypt(image_of(make_dump(1, false)));
  ASSERT_TRUE(summary.has_value()) << summary.error().message;
  EXPECT_FALSE(summary->complete);
  EXPECT_FALSE(decrypt(make_dump(1, false)).has_value());  // a region has no seal over the whole
  EXPECT_TRUE(decrypt(make_dump(1, false), true).has_value());
}

TEST_F(EncryptedDump, with_a_hostile_wrapped_key_is_refused) {
  // What anybody can make who has the public key, but not the secret of the boot.
  const Secret own = *Secret::fresh();
  for (const WrappedKey& wrapped : {WrappedKey{}, *private_.public_key().wrap(key_, own),
                                    *FleetPrivateKey::fresh()->public_key().wrap(key_, secret_)}) {
    std::ranges::copy(wrapped, encryption_.wrapped_key);
    const auto opened = DumpReader::open_encrypted(make_dump(), private_);
    ASSERT_FALSE(opened.has_value());
    EXPECT_EQ(opened.error().code, ErrorCode::refused);
  }
}

TEST_F(EncryptedDump, of_the_real_capture_becomes_the_same_vmcore_as_one_in_clear) {
  const auto recipe = synthetic::Recipe::parse(recipe_text("linux_6_1"));
  ASSERT_TRUE(recipe.has_value());
  const std::string vmcore = directory_.file("vmcore");
  ASSERT_TRUE(synthetic::build_vmcore(*recipe, vmcore).has_value());
  const auto hexadecimal = [](std::span<const unsigned char> bytes) {
    return hexadecimal_text({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  };
  const std::string settings = directory_.file("settings");
  const std::string sealed = "secret=" + hexadecimal(secret_.bytes()) + "\nboot_id=" + kBoot + "\n";
  const auto capture = [&](const std::string& name, const std::string& text) {
    std::ofstream(settings) << text;
    make_region_file(directory_.file(name), 64 * kMiB);
    return run_program(WARMDUMP_CAPTURE,
                       {"--settings", settings, "--vmcore", vmcore, "--region", directory_.file(name)});
  };
  const std::string encryption = "encryption=" + hexadecimal(encryption_.key_id) + ":" +
                                 hexadecimal(encryption_.key) + ":" + hexadecimal(encryption_.wrapped_key) +
                                 "\n";
  const auto in_clear = capture("clear-region", sealed);
  ASSERT_EQ(in_clear.exit_code, 0) << in_clear.errors;
  const auto closed = capture("region", sealed + encryption);
  ASSERT_EQ(closed.exit_code, 0) << closed.errors;

  FileDevice region;
  ASSERT_TRUE(
      region.open(directory_.file("clear-region").c_str(), FileDevice::Access::read_only).has_value());
  const auto clear_dump = DumpReader::open(region);
  ASSERT_TRUE(clear_dump.has_value()) << clear_dump.error().message;
  fs::create_directory(directory_.file("expected"));
  const DumpDirectoryOptions elf{.format = "elf", .compression = "", .layout = ""};
  ASSERT_TRUE(write_dump_directory(*clear_dump, directory_.file("expected"), nullptr, elf).has_value());
  const auto decrypted = decrypt_dump({.source = directory_.file("region"),
                                       .directory = directory_.file("decrypted"),
                                       .take_damaged = false,
                                       .options = elf},
                                      own_key(), nullptr);
  ASSERT_TRUE(decrypted.has_value()) << decrypted.error().message;
  EXPECT_TRUE(decrypted->complete) << decrypted->completeness;
  EXPECT_EQ(decrypted->authenticity, "sealed");
  EXPECT_TRUE(text_of(directory_.file("decrypted") + "/vmcore") ==
              text_of(directory_.file("expected") + "/vmcore"));
  EXPECT_EQ(text_of(directory_.file("decrypted") + "/vmcore-dmesg.txt"),
            text_of(directory_.file("expected") + "/vmcore-dmesg.txt"));

  // Never in clear because of a mistake.
  for (const std::string& wrong :
       {sealed + encryption.substr(0, encryption.size() - 3) + "\n", encryption, sealed + "encryption=\n"}) {
    EXPECT_EQ(capture("wrong", wrong).exit_code, 2) << wrong;
  }
}

}  // namespace
}  // namespace warmdump::test
