// How an object is cut into the parts of a multipart upload, and which of them a server has. Pure.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "upload/destination/s3/part_digest.h"
#include "upload/transfer/object_to_send.h"

namespace warmdump {

// Of S3, "Amazon S3 multipart upload limits". Only the last part may be smaller than the least.
inline constexpr ByteCount kPartBytesMin = 5 * kMiB;
inline constexpr ByteCount kPartBytesMax = 5 * 1024 * kMiB;
inline constexpr ByteCount kPartBytesDefault = 8 * kMiB;

// `part_bytes`, or so many MiB more that the object does not need more than 10 000 parts.
ByteCount part_bytes_for(ByteCount object_bytes, ByteCount part_bytes);

// In order, without gaps, all of `piece_bytes` but the last. `piece_bytes` is not 0.
std::vector<Piece> pieces_of(ByteCount object_bytes, ByteCount piece_bytes);

// Those of `pieces` that are not in `sent`.
std::vector<Piece> missing_pieces(const std::vector<Piece>& pieces, const std::vector<SentPiece>& sent);

// A tag as the session keeps it: the ETag, then a blank and the checksum if there is one.
std::string part_tag(std::string_view etag, std::string_view checksum);
std::string_view etag_of(std::string_view tag);
std::string_view checksum_of(std::string_view tag);

// The body of CompleteMultipartUpload; nothing unless every piece was sent.
std::optional<std::string> completion_xml(const std::vector<Piece>& pieces,
                                          const std::vector<SentPiece>& sent, S3Checksum checksum);

}  // namespace warmdump
