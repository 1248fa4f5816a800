// The head of a request as it goes on the wire: request line and header fields.

#pragma once

#include <string>
#include <string_view>

#include "upload/transfer/send_failure.h"
#include "upload/wire/http_transport.h"

namespace warmdump {

struct RequestHeadOptions {
  bool absolute_form = false;            // the whole URL in the request line, as a proxy for http:// wants it
  bool ask_first = false;                // "Expect: 100-continue"
  std::string proxy_authorization = {};  // for such a proxy; empty for none
};

// May it be a method or the name of a field? (RFC 9110, 5.6.2)
bool is_http_token(std::string_view text);

// Is a field of this name set by the transport, or does it change how the message is framed, so that no
// caller may set it? In upper or lower case.
bool is_field_of_transport(std::string_view name);

// A method, query or field that could carry a second field, or that is not the caller's to set, is `invalid`.
// The message names the field and never repeats its value. A Host field equal to the URL's authority is taken
// as what it is.
SendOutcome<std::string> request_head(const HttpRequest& request, const RequestHeadOptions& options);

// Asks a proxy for a tunnel to the URL's host. `authorization` may be empty.
std::string connect_head(const Url& target, const std::string& authorization);

// May the same request be sent again when nobody knows whether it has arrived? (RFC 9110, 9.2.2)
bool is_idempotent(const HttpRequest& request);

}  // namespace warmdump
