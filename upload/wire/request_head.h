// The head of a request as it goes on the wire: request line and header fields.

#pragma once

#include <string>

#include "upload/transfer/send_failure.h"
#include "upload/wire/http_transport.h"

namespace warmdump {

struct RequestHeadOptions {
  bool absolute_form = false;            // the whole URL in the request line, as a proxy for http:// wants it
  bool ask_first = false;                // "Expect: 100-continue"
  std::string proxy_authorization = {};  // for such a proxy; empty for none
};

// A method, query or field that could carry a second field, or that is not the caller's to set, is `invalid`.
// The message names the field and never repeats its value. A Host field equal to the URL's authority is taken
// as what it is.
SendOutcome<std::string> request_head(const HttpRequest& request, const RequestHeadOptions& options);

// Asks a proxy for a tunnel to the URL's host. `authorization` may be empty.
std::string connect_head(const Url& target, const std::string& authorization);

// May the same request be sent again when nobody knows whether it has arrived? (RFC 9110, 9.2.2)
bool is_idempotent(const HttpRequest& request);

}  // namespace warmdump
