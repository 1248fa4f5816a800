// Digests of single pieces, for servers that check what arrives.

#pragma once

#include <string>

#include "upload/transfer/object_to_send.h"
#include "upload/transfer/send_failure.h"

namespace warmdump {

// The digest of the bytes of one piece as base64; `algorithm` as OpenSSL knows it, such as "sha1" or
// "sha256". Errors: unsupported for an algorithm that this OpenSSL does not have; those of ByteSource;
// corrupt when the source ends early.
SendOutcome<std::string> piece_digest_base64(const ByteSource& bytes, ByteCount offset, ByteCount size,
                                             const std::string& algorithm);

}  // namespace warmdump
