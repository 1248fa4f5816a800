// Stream: bytes to and from the other side, whatever lies between: TCP, TLS over it, or TLS through the TLS
// of a proxy. One reader and one writer at a time, both on the thread that runs the context.

#pragma once

#include <openssl/ssl.h>

#include <memory>

#include "upload/wire/asio/coroutine.h"

namespace warmdump::wire {

class Stream {
 public:
  virtual ~Stream() = default;
  // At least one byte unless `error` is set. The end of the stream is asio::error::eof; of a TLS stream only
  // when the other side said so, else something else.
  virtual Task<std::size_t> read_some(asio::mutable_buffer target, error_code& error) = 0;
  virtual Task<std::size_t> write_some(asio::const_buffer bytes, error_code& error) = 0;
};

class TlsStream : public Stream {
 public:
  virtual SSL* session() = 0;
  virtual Task<void> handshake(error_code& error) = 0;
  // TLS inside this one. This stream outlives it.
  virtual std::unique_ptr<TlsStream> inner(SSL_CTX* context) = 0;
};

// The socket outlives them.
std::unique_ptr<Stream> make_plain_stream(tcp::socket& socket);
std::unique_ptr<TlsStream> make_tls_stream(tcp::socket& socket, SSL_CTX* context);

// An error of the TLS protocol itself; its value is one of OpenSSL's.
bool is_tls_error(const error_code& error);

// All of the bytes, or an error.
Task<void> write_all(Stream& stream, asio::const_buffer bytes, error_code& error);

}  // namespace warmdump::wire
