// docs/DUMP_FORMAT.md against common/dump_format/dump_format.h: every table, and the worked example.

#include <gmock/gmock.h>

#include <cstring>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "common/dump_format/dump_format.h"
#include "common/dump_format/dump_header.h"
#include "common/dump_format/dump_state.h"
#include "common/dump_format/frame.h"
#include "tests/support/memory_device.h"

namespace warmdump::dump_format {
namespace {

using testing::ContainerEq;
using Rows = std::vector<std::vector<std::string>>;

std::string read_text(const char* path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

std::string trim(const std::string& text) {
  const std::size_t first = text.find_first_not_of(" `");
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(" `") - first + 1);
}

// Cells of the first table below the heading `title`, without its head.
Rows table_below(const std::string& title) {
  std::istringstream document(read_text(WARMDUMP_DUMP_FORMAT_DOCUMENT));
  Rows rows;
  bool below = false;
  for (std::string line; std::getline(document, line);) {
    if (line.starts_with('#')) {
      if (below) break;
      below = std::regex_match(line, std::regex("#+ " + title));
    } else if (below && line.starts_with('|')) {
      std::vector<std::string> cells;
      std::istringstream stream(line.substr(1));
      for (std::string cell; std::getline(stream, cell, '|');) cells.push_back(trim(cell));
      rows.push_back(cells);
    } else if (below && !rows.empty()) {
      break;
    }
  }
  EXPECT_GT(rows.size(), 2U) << "no table below the heading " << title;
  if (rows.size() >= 2) rows.erase(rows.begin(), rows.begin() + 2);
  return rows;
}

// Text of `struct <name> { ... }` or `enum class <name> ... { ... }` in the header.
std::string definition(const char* header_path, const std::string& name) {
  const std::string header = read_text(header_path);
  std::smatch match;
  const std::regex pattern("(?:struct|enum class) " + name + "[^{;]*\\{([^}]*)\\};");
  EXPECT_TRUE(std::regex_search(header, match, pattern)) << name;
  return match[1];
}

std::vector<std::string> names_in(const std::string& text, const std::string& pattern) {
  std::vector<std::string> names;
  const std::regex expression(pattern);
  for (std::sregex_iterator i(text.begin(), text.end(), expression), end; i != end; ++i)
    names.push_back((*i)[1]);
  return names;
}

struct Field {
  std::string name;
  std::size_t offset;
  std::size_t size;
};

struct Structure {
  const char* name;
  std::size_t size;
  std::vector<Field> fields;
};

#define FIELD(type, field)                             \
  Field {                                              \
#field, offsetof(type, field), sizeof(type::field) \
  }

const Structure kStructures[] = {
    {"RegionHeader",
     sizeof(RegionHeader),
     {FIELD(RegionHeader, magic),
      FIELD(RegionHeader, format_version),
      FIELD(RegionHeader, header_size),
      FIELD(RegionHeader, compatible_flags),
      FIELD(RegionHeader, incompatible_flags),
      FIELD(RegionHeader, sequence),
      FIELD(RegionHeader, region_start),
      FIELD(RegionHeader, region_size),
      FIELD(RegionHeader, dump_id),
      FIELD(RegionHeader, state),
      FIELD(RegionHeader, phase),
      FIELD(RegionHeader, error_code),
      FIELD(RegionHeader, system_errno),
      FIELD(RegionHeader, frames_end),
      FIELD(RegionHeader, frame_count),
      FIELD(RegionHeader, pages_data),
      FIELD(RegionHeader, pages_zero),
      FIELD(RegionHeader, pages_excluded),
      FIELD(RegionHeader, pages_lost),
      FIELD(RegionHeader, bytes_raw),
      FIELD(RegionHeader, bytes_stored),
      FIELD(RegionHeader, pfns_done),
      FIELD(RegionHeader, pfns_total),
      FIELD(RegionHeader, crash_time_s),
      FIELD(RegionHeader, elapsed_ms),
      FIELD(RegionHeader, dump_level),
      FIELD(RegionHeader, captures_refused),
      FIELD(RegionHeader, frames_damaged),
      FIELD(RegionHeader, frames_rewritten),
      FIELD(RegionHeader, frames_unrepaired),
      FIELD(RegionHeader, check_passes),
      FIELD(RegionHeader, headers_rewritten),
      FIELD(RegionHeader, error_text),
      FIELD(RegionHeader, memory_total),
      FIELD(RegionHeader, memory_free_min),
      FIELD(RegionHeader, boot_id),
      FIELD(RegionHeader, seal_tag),
      FIELD(RegionHeader, cipher),
      FIELD(RegionHeader, key_id),
      FIELD(RegionHeader, wrapped_key),
      FIELD(RegionHeader, reserved),
      FIELD(RegionHeader, header_crc)}},
    {"ImageMark",
     sizeof(ImageMark),
     {FIELD(ImageMark, magic), FIELD(ImageMark, size), FIELD(ImageMark, frame_count),
      FIELD(ImageMark, frames_digest), FIELD(ImageMark, seal_tag), FIELD(ImageMark, reserved),
      FIELD(ImageMark, mark_crc)}},
    {"FrameHeader",
     sizeof(FrameHeader),
     {FIELD(FrameHeader, magic), FIELD(FrameHeader, type), FIELD(FrameHeader, codec),
      FIELD(FrameHeader, sequence), FIELD(FrameHeader, dump_id), FIELD(FrameHeader, stored_size),
      FIELD(FrameHeader, raw_size), FIELD(FrameHeader, tag), FIELD(FrameHeader, cipher_number),
      FIELD(FrameHeader, payload_crc), FIELD(FrameHeader, header_crc)}},
    {"LinesPrefix",
     sizeof(LinesPrefix),
     {FIELD(LinesPrefix, tag_count), FIELD(LinesPrefix, distance_count), FIELD(LinesPrefix, plain_count),
      FIELD(LinesPrefix, noise_count), FIELD(LinesPrefix, word8_count), FIELD(LinesPrefix, word4_count),
      FIELD(LinesPrefix, word2_count), FIELD(LinesPrefix, reserved)}},
    {"BlobPrefix",
     sizeof(BlobPrefix),
     {FIELD(BlobPrefix, kind), FIELD(BlobPrefix, reserved), FIELD(BlobPrefix, total_size),
      FIELD(BlobPrefix, offset)}},
    {"KeyBlob",
     sizeof(KeyBlob),
     {FIELD(KeyBlob, cipher), FIELD(KeyBlob, reserved), FIELD(KeyBlob, key_id), FIELD(KeyBlob, dump_id),
      FIELD(KeyBlob, boot_id), FIELD(KeyBlob, wrapped_key)}},
    {"ClassMapPrefix",
     sizeof(ClassMapPrefix),
     {FIELD(ClassMapPrefix, first_pfn), FIELD(ClassMapPrefix, pfn_count), FIELD(ClassMapPrefix, reserved)}},
    {"PagesPrefix", sizeof(PagesPrefix), {FIELD(PagesPrefix, run_count), FIELD(PagesPrefix, phase)}},
    {"PageRun",
     sizeof(PageRun),
     {FIELD(PageRun, first_pfn), FIELD(PageRun, pfn_count), FIELD(PageRun, content),
      FIELD(PageRun, reserved)}},
    {"EndPrefix",
     sizeof(EndPrefix),
     {FIELD(EndPrefix, completeness), FIELD(EndPrefix, class_count), FIELD(EndPrefix, frame_count),
      FIELD(EndPrefix, elapsed_ms), FIELD(EndPrefix, reserved)}},
    {"ClassTotals",
     sizeof(ClassTotals),
     {FIELD(ClassTotals, pages), FIELD(ClassTotals, kept), FIELD(ClassTotals, stored_data),
      FIELD(ClassTotals, stored_zero), FIELD(ClassTotals, lost)}},
};

class Structures : public testing::TestWithParam<Structure> {};

// A field the list above lacks leaves a gap; one the document lacks makes the rows differ.
TEST_P(Structures, AreTheSameInDocumentAndHeader) {
  Rows expected;
  std::size_t end = 0;
  for (const Field& field : GetParam().fields) {
    EXPECT_EQ(field.offset, end) << field.name;
    end = field.offset + field.size;
    expected.push_back({std::to_string(field.offset), std::to_string(field.size), field.name});
  }
  EXPECT_EQ(end, GetParam().size);
  Rows documented = table_below(GetParam().name);
  for (auto& row : documented) row.resize(3);
  EXPECT_THAT(documented, ContainerEq(expected));
}

INSTANTIATE_TEST_SUITE_P(All, Structures, testing::ValuesIn(kStructures),
                         [](const auto& instance) { return std::string(instance.param.name); });

TEST(DumpFormatDocument, HasEveryStructure) {
  std::set<std::string> listed;
  for (const Structure& structure : kStructures) listed.insert(structure.name);
  const auto defined = names_in(read_text(WARMDUMP_DUMP_FORMAT_HEADER), "\nstruct (\\w+) \\{");
  EXPECT_THAT(listed, ContainerEq(std::set<std::string>(defined.begin(), defined.end())));
}

void compare_enum(const char* header_path, const std::string& name) {
  Rows expected;
  const std::string body = definition(header_path, name);
  const std::regex enumerator("\\n  (\\w+) = (\\d+),");
  for (std::sregex_iterator i(body.begin(), body.end(), enumerator), end; i != end; ++i) {
    expected.push_back({(*i)[2], (*i)[1]});
  }
  EXPECT_EQ(expected.size(), names_in(body, "\\n  (\\w+)").size())
      << name << ": an enumerator without a number";
  Rows documented = table_below(name);
  for (auto& row : documented) row.resize(2);
  EXPECT_THAT(documented, ContainerEq(expected)) << name;
}

TEST(DumpFormatDocument, HasEveryEnumeration) {
  const auto names = names_in(read_text(WARMDUMP_DUMP_FORMAT_HEADER), "enum class (\\w+)");
  EXPECT_EQ(names.size(), 13U);
  for (const std::string& name : names) compare_enum(WARMDUMP_DUMP_FORMAT_HEADER, name);
  compare_enum(WARMDUMP_ERROR_HEADER, "ErrorCode");
}

TEST(DumpFormatDocument, HasEveryNumber) {
  const std::map<std::string, std::uint64_t> numbers = {
      {"kInfoBlockOffset", kInfoBlockOffset},
      {"kHeaderOffset", kHeaderOffset},
      {"kHeaderCopyOffset", kHeaderCopyOffset},
      {"kFramesOffset", kFramesOffset},
      {"kTailReserve", kTailReserve},
      {"kRegionSizeMin", kRegionSizeMin},
      {"kFormatVersion", kFormatVersion},
      {"kHeaderSize", kHeaderSize},
      {"kCompatibleSealed", kCompatibleSealed},
      {"kIncompatibleEncrypted", kIncompatibleEncrypted},
      {"kKeyIdSize", kKeyIdSize},
      {"kWrappedKeySize", kWrappedKeySize},
      {"kCodecEncrypted", kCodecEncrypted},
      {"kIncompatibleFlagsKnown", kIncompatibleFlagsKnown},
      {"kSealTagSize", kSealTagSize},
      {"kBootIdSizeMax", kBootIdSizeMax},
      {"kFrameMagic", kFrameMagic},
      {"kFrameAlignment", kFrameAlignment},
      {"kFrameRawSizeMax", kFrameRawSizeMax},
      {"kFrameStoredSizeMax", kFrameStoredSizeMax},
      {"kPhaseCount", kPhaseCount},
      {"kPageClassCount", kPageClassCount},
      {"kClassMask", kClassMask},
      {"kClassKept", kClassKept},
      {"kRunsPerFrameMax", kRunsPerFrameMax},
      {"kLineSize", kLineSize},
      {"kLinesContentMax", kLinesContentMax},
      {"kLineCoded", kLineCoded},
      {"kLineTagsRepeat", kLineTagsRepeat},
      {"kLineWidthsShift", kLineWidthsShift},
  };
  std::map<std::string, std::uint64_t> documented;
  for (const auto& row : table_below("Numbers")) documented[row.at(0)] = std::stoull(row.at(1), nullptr, 0);
  EXPECT_THAT(documented, ContainerEq(numbers));

  std::set<std::string> listed = {"kRegionMagic", "kImageMagic"};
  for (const auto& [name, value] : numbers) listed.insert(name);
  const auto defined =
      names_in(read_text(WARMDUMP_DUMP_FORMAT_HEADER), "inline constexpr [^=;]*\\b(k\\w+)[ \\[]");
  EXPECT_THAT(listed, ContainerEq(std::set<std::string>(defined.begin(), defined.end())));
}

TEST(DumpFormatDocument, HasTheMagic) {
  std::ostringstream magic;
  for (const unsigned char byte : kRegionMagic) {
    char text[4];
    std::snprintf(text, sizeof(text), "%02x ", byte);
    magic << text;
  }
  EXPECT_THAT(read_text(WARMDUMP_DUMP_FORMAT_DOCUMENT), testing::HasSubstr("`" + trim(magic.str()) + "`"));
}

TEST(DumpFormatDocument, HasTheAllowedMoves) {
  const State states[] = {State::empty,   State::writing,   State::complete,
                          State::partial, State::recovered, State::cleared};
  Rows expected;
  for (const State from : states) {
    std::string moves;
    for (const State to : states) {
      if (may_follow(from, to)) moves += (moves.empty() ? "" : ", ") + std::string(state_name(to));
    }
    expected.push_back({state_name(from), moves});
  }
  Rows documented = table_below("Allowed moves");
  for (auto& row : documented) row.at(1) = std::regex_replace(row.at(1), std::regex("`"), "");
  EXPECT_THAT(documented, ContainerEq(expected));
}

// The worked example is a dump: a reader made from nothing but the document's rules accepts it.
class Example : public testing::Test {
 protected:
  void SetUp() override {
    const std::string document = read_text(WARMDUMP_DUMP_FORMAT_DOCUMENT);
    const std::size_t start = document.find("```hex\n") + 7;
    std::istringstream lines(document.substr(start, document.find("```", start) - start));
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words(line);
      std::size_t offset = 0;
      ASSERT_TRUE(words >> std::hex >> offset) << line;
      for (unsigned byte; words >> std::hex >> byte; ++offset) {
        ASSERT_LT(offset, region_.bytes.size());
        region_.bytes[offset] = static_cast<std::byte>(byte);
      }
    }
    auto header = read_header(region_, buffer_);
    ASSERT_TRUE(header.has_value()) << header.error().what;
    header_ = *header;
  }

  // Checks the frame at `offset_`, moves on, and gives its payload.
  std::vector<std::byte> next_frame(FrameType type) {
    std::array<std::byte, sizeof(FrameHeader)> bytes;
    EXPECT_TRUE(region_.read_at(offset_, bytes).has_value());
    const auto frame = decode_frame_header(bytes, std::span(header_.dump_id).first<8>());
    if (!frame.has_value()) {
      ADD_FAILURE() << frame.error().what << " at " << offset_;
      return {};
    }
    EXPECT_EQ(frame->type, static_cast<std::uint16_t>(type));
    EXPECT_EQ(frame->sequence, sequence_++);
    std::vector<std::byte> payload(frame->stored_size);
    EXPECT_TRUE(region_.read_at(offset_ + sizeof(FrameHeader), payload).has_value());
    EXPECT_TRUE(check_payload(*frame, payload).has_value());
    offset_ += frame_footprint(frame->stored_size);
    return payload;
  }

  template <class T>
  static T at(const std::vector<std::byte>& payload, std::size_t offset) {
    T value{};
    EXPECT_LE(offset + sizeof(T), payload.size());
    if (offset + sizeof(T) <= payload.size()) std::memcpy(&value, payload.data() + offset, sizeof(T));
    return value;
  }

  test::MemoryDevice region_{4 * kMiB};
  std::array<std::byte, kHeaderSize> buffer_;
  RegionHeader header_{};
  ByteCount offset_ = kFramesOffset;
  std::uint64_t sequence_ = 0;
};

TEST_F(Example, IsADump) {
  EXPECT_EQ(header_.state, static_cast<std::uint32_t>(State::partial));
  EXPECT_EQ(header_.phase, static_cast<std::uint32_t>(Phase::finished));
  EXPECT_EQ(header_.frame_count, 3U);
  EXPECT_EQ(header_.pages_lost, 1U);

  const auto classes = next_frame(FrameType::class_map);
  EXPECT_EQ(at<ClassMapPrefix>(classes, 0).first_pfn, 0x100U);
  EXPECT_EQ(at<ClassMapPrefix>(classes, 0).pfn_count, 4U);
  EXPECT_EQ(at<std::uint8_t>(classes, 16), 0x81);
  EXPECT_EQ(at<std::uint8_t>(classes, 18), 0x8a);

  EXPECT_EQ(offset_, 0x20'0080U);
  const auto pages = next_frame(FrameType::pages);
  EXPECT_EQ(at<PagesPrefix>(pages, 0).run_count, 2U);
  EXPECT_EQ(at<PageRun>(pages, 8).first_pfn, 0x100U);
  EXPECT_EQ(at<PageRun>(pages, 8).content, static_cast<std::uint8_t>(RunContent::zero));
  EXPECT_EQ(at<PageRun>(pages, 24).first_pfn, 0x102U);
  EXPECT_EQ(at<PageRun>(pages, 24).content, static_cast<std::uint8_t>(RunContent::unreadable));

  EXPECT_EQ(offset_, 0x20'0100U);
  const auto end = next_frame(FrameType::end);
  EXPECT_EQ(at<EndPrefix>(end, 0).completeness, static_cast<std::uint32_t>(Completeness::unreadable));
  EXPECT_EQ(at<EndPrefix>(end, 0).class_count, kPageClassCount);
  EXPECT_EQ(at<EndPrefix>(end, 0).frame_count, 2U);
  const auto slab = at<ClassTotals>(
      end, sizeof(EndPrefix) + static_cast<std::size_t>(PageClass::slab) * sizeof(ClassTotals));
  EXPECT_EQ(slab.lost, 1U);
  EXPECT_EQ(offset_, header_.frames_end);
}

}  // namespace
}  // namespace warmdump::dump_format
