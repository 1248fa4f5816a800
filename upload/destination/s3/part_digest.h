// What proves that a part arrived as it was read: all digests in one pass over its bytes.

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "upload/source/byte_source.h"

namespace warmdump {

// The newer checksums of S3, beside Content-MD5 and the signed SHA-256 that are always sent. AWS checks and
// stores them; Ceph before its release Squid and Swift ignore them. To add one: a value here; its row in
// part_digest.cc and its bytes in digest_of.
enum class S3Checksum { none, crc32c, sha256 };

// The names of one that is not none: "crc32c" as in headers and settings, "CRC32C" as in XML.
std::string header_name(S3Checksum checksum);
std::string xml_name(S3Checksum checksum);
// "none" or "" too; nothing for any other word.
std::optional<S3Checksum> parse_checksum(std::string_view word);

struct PartDigest {
  std::string sha256;    // 64 lower-case hexadecimal digits
  std::string md5;       // 32; empty where OpenSSL has none, as under FIPS rules
  std::string checksum;  // as asked for, Base64; else empty
};

// Of `size` bytes at `offset`; a shorter source is `corrupt`. Reads 128 KiB at a time.
Outcome<PartDigest> digest_of(const ByteSource& source, ByteCount offset, ByteCount size,
                              S3Checksum checksum);

// The value of Content-MD5 for 32 hexadecimal digits.
std::string content_md5(std::string_view md5);

}  // namespace warmdump
