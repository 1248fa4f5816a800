// TCP to one of several addresses.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "upload/wire/asio/coroutine.h"
#include "upload/wire/http_transport.h"

namespace warmdump::wire {

// Addresses on this machine's own link, and the one IPv6 address with the same service as 169.254.169.254
// (see HttpTransportOptions::allow_link_local).
bool is_link_local(const std::string& address);

// The first that answers wins. The next one is tried when those before have failed, or have not answered
// within limits.stagger; each has limits.connect. The result is empty when `socket` is connected, else a
// failure with the reason of each address.
Task<std::optional<SendFailure>> dial(asio::io_context& context, tcp::socket& socket,
                                      const std::vector<std::string>& addresses, std::uint16_t port,
                                      const HttpLimits& limits);

}  // namespace warmdump::wire
