// What a server said, made fit for messages: printable, short, without the secrets it may repeat.
//
// An answer is the text of a stranger, and messages end in terminals, journals and records.

#pragma once

#include <string>
#include <string_view>

#include "upload/transfer/send_failure.h"
#include "upload/wire/http_transport.h"

namespace warmdump {

// At most 200 printable ASCII characters; others become blanks. Of addresses the query and the user are left
// out, and what follows "Bearer" or "Basic", since servers repeat the request.
std::string quotable(std::string_view text);

// "the server answered 503 Service Unavailable"
std::string status_text(const HttpAnswer& answer);

// ": <text>", what the body says about the reason, when it is meant for people or programs; empty when there
// is nothing of that kind, such as a page of HTML.
std::string explanation(const HttpAnswer& answer);

// The failure for an answer that is not what was hoped for: meaning_of_status decides about its remedy (a
// redirect and what is permanent: change_sink; 413: give_dump_up), Retry-After is in it. `advice` goes to its
// end and begins with "; ", or is empty.
SendFailure refusal(const HttpAnswer& answer, std::string_view advice);

// How the server calls this request, for whoever runs it; empty when it does not say.
std::string request_id(const HttpAnswer& answer);

}  // namespace warmdump
