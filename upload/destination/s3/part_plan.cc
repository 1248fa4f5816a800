#include "upload/destination/s3/part_plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "upload/destination/s3/s3_answers.h"
#include "upload/destination/s3/xml_scanner.h"

namespace warmdump {

ByteCount part_bytes_for(ByteCount object_bytes, ByteCount part_bytes) {
  const ByteCount least = (object_bytes + kPartNumberMax - 1) / kPartNumberMax;
  if (least <= part_bytes) return part_bytes;
  return (least + kMiB - 1) / kMiB * kMiB;
}

std::vector<Piece> pieces_of(ByteCount object_bytes, ByteCount piece_bytes) {
  std::vector<Piece> pieces;
  unsigned number = 1;
  for (ByteCount offset = 0; offset < object_bytes; offset += piece_bytes) {
    pieces.push_back({number++, offset, std::min(piece_bytes, object_bytes - offset)});
  }
  return pieces;
}

std::vector<Piece> missing_pieces(const std::vector<Piece>& pieces, const std::vector<SentPiece>& sent) {
  std::vector<Piece> missing;
  for (const Piece& piece : pieces) {
    const bool is_there =
        std::any_of(sent.begin(), sent.end(), [&piece](const SentPiece& one) { return one.piece == piece; });
    if (!is_there) missing.push_back(piece);
  }
  return missing;
}

std::string part_tag(std::string_view etag, std::string_view checksum) {
  return std::string(etag) + (checksum.empty() ? "" : " " + std::string(checksum));
}

std::string_view etag_of(std::string_view tag) {
  return tag.substr(0, tag.find(' '));
}

std::string_view checksum_of(std::string_view tag) {
  const auto blank = tag.find(' ');
  return blank == std::string_view::npos ? std::string_view() : tag.substr(blank + 1);
}

std::optional<std::string> completion_xml(const std::vector<Piece>& pieces,
                                          const std::vector<SentPiece>& sent, S3Checksum checksum) {
  std::string xml = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
  for (const Piece& piece : pieces) {
    const auto one = std::find_if(sent.begin(), sent.end(),
                                  [&piece](const SentPiece& part) { return part.piece == piece; });
    if (one == sent.end()) return {};
    xml += fmt::format("<Part><PartNumber>{}</PartNumber><ETag>&quot;{}&quot;</ETag>", piece.number,
                       xml_escaped(etag_of(one->tag)));
    if (const auto value = checksum_of(one->tag); !value.empty() && checksum != S3Checksum::none) {
      xml += fmt::format("<Checksum{0}>{1}</Checksum{0}>", xml_name(checksum), xml_escaped(value));
    }
    xml += "</Part>";
  }
  return xml + "</CompleteMultipartUpload>";
}

}  // namespace warmdump
