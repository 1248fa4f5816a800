// tus 1.0.0 (https://tus.io/protocols/resumable-upload) as text: pure functions over headers and addresses.

#pragma once

#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "upload/transfer/object_to_send.h"
#include "upload/wire/http_transport.h"
#include "upload/wire/url.h"

namespace warmdump::tus {

inline constexpr std::string_view kVersion = "1.0.0";

// What a server can do, from its answer to OPTIONS.
struct Abilities {
  bool speaks_our_version = true;       // false only when it lists versions and ours is not among them
  bool can_terminate = false;           // extension "termination"
  std::string checksum_algorithm = {};  // "sha256" or "sha1", whichever is better; empty for none
  std::optional<ByteCount> size_max = {};
};
Abilities read_abilities(const HttpAnswer& answer);

// Value of Upload-Metadata: key, filename, dump, sha256, filetype, and what the object has besides, each as
// base64, so that no text can break out of the header.
std::string metadata_text(const ObjectToSend& object);

// Decimal digits only; nothing for any other text or what is too large.
std::optional<ByteCount> parse_offset(std::string_view text);

// An IMF-fixdate, such as "Sun, 06 Nov 1994 08:49:37 GMT"; 0 for any other text.
std::time_t parse_date(std::string_view text);

// Where an upload is: path and query of an address at the origin of the endpoint, such as "/files/24e5?v=2".
// `location` is what the server answered, absolute or relative to `endpoint` (RFC 3986, section 5.2), a
// fragment is dropped. Failures: `refused` for another origin, `invalid` for what is no address. The message
// shows no query.
Outcome<std::string> resolve_location(const Url& endpoint, std::string_view location);

// `url` and `query` of a request to an upload, from what resolve_location returned and a record has kept.
// Failure: `invalid` when it cannot be one.
struct UploadAddress {
  Url url;
  std::string query;
};
Outcome<UploadAddress> upload_address(const Url& endpoint, std::string_view id);

// The rest of an object of `size` bytes from `offset` on, cut at multiples of piece_size, numbered from 1.
std::vector<Piece> pieces_from(ByteCount offset, ByteCount size, ByteCount piece_size);

}  // namespace warmdump::tus
