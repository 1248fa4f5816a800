// What the refusals of a tus server mean: the same status says different things at different steps.

#pragma once

#include "upload/transfer/send_failure.h"
#include "upload/wire/http_transport.h"

namespace warmdump {

enum class TusStep { create, look, send };  // POST, HEAD, PATCH

// Of an answer that is no success. A wait has what Retry-After says.
SendFailure tus_refusal(const HttpAnswer& answer, TusStep step);

}  // namespace warmdump
