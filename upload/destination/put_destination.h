// The destination "http://..." or "https://...": each object is PUT to URL/<key>, whole, in one request.
//
// The server must create missing collections by itself (nginx: create_full_put_path on). PUT replaces what is
// there, so sending an object again is harmless; one that was cut off begins anew. Redirects are never
// followed. Credentials need https. Only 200, 201 and 204 mean stored: 202 promises nothing, 207 is not about
// one object.
//
// asked_for: the header "Warmdump-Want" of the answer to the manifest of the report; otherwise see wanted.h.

#pragma once

#include "upload/destination/destination.h"
#include "upload/destination/http_place.h"

namespace warmdump {

Outcome<std::unique_ptr<Destination>> make_put_destination(const std::string& address,
                                                           const DestinationOptions& options);

std::unique_ptr<Destination> make_put_destination(HttpPlace place);

// The PUT of one piece, without an address and without what says who we are.
HttpRequest put_request(const ObjectToSend& object, const Piece& piece, const BytesDone& done);

// The failure for an answer to it that does not promise that the object is stored.
SendFailure put_refusal(const HttpAnswer& answer);

}  // namespace warmdump
