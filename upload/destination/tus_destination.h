// The destination "tus+https://..." or "tus+http://...": a server that speaks tus 1.0.0, with the extension
// "creation". What has arrived of an object stays there when the connection, this process or the server ends,
// byte by byte; the next attempt goes on behind it.
//
// Each object is an upload of its own; its key and what else is known of it are in Upload-Metadata (see
// tus_protocol.h), and the server decides where it keeps it. Pieces are sent in order, each by one PATCH,
// with its checksum when the server checks one. Uploads are looked for at the origin of the address and
// nowhere else. Credentials need https.
//
// asked_for: the header "Warmdump-Want" of an answer to the manifest of the report; otherwise as for PUT
// (wanted.h).

#pragma once

#include "upload/destination/destination.h"
#include "upload/destination/http_place.h"

namespace warmdump {

inline constexpr ByteCount kTusPieceBytes = 8 * kMiB;

Outcome<std::unique_ptr<Destination>> make_tus_destination(const std::string& address,
                                                           const DestinationOptions& options);

// place.url.path may end in '/'. piece_bytes is at least 1.
std::unique_ptr<Destination> make_tus_destination(HttpPlace place, ByteCount piece_bytes);

}  // namespace warmdump
