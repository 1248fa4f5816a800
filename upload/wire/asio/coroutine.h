// What the files of this folder share: coroutines in the subset of Asio that Boost 1.74 and newer have (no
// cancellation slots, no awaitable operators). Errors are error codes; nothing here throws but for want of
// memory.
//
// A pending operation is ended by closing its socket or cancelling its timer. Never use TRY inside a
// coroutine.

#pragma once

// clang-format off
#include <utility>  // before Asio: 1.74 uses std::exchange without it
// clang-format on
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <string>

#include "upload/transfer/send_failure.h"

namespace warmdump::wire {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
template <class T>
using Task = asio::awaitable<T>;

inline auto into(error_code& error) {
  return asio::redirect_error(asio::use_awaitable, error);
}

// Waits until the timer expires or is cancelled.
inline Task<void> pause(asio::steady_timer& timer) {
  error_code ignored;
  co_await timer.async_wait(into(ignored));
}

inline SendFailure temporary(std::string message) {
  return {Failure(ErrorCode::io, std::move(message)), Remedy::wait};
}

}  // namespace warmdump::wire
