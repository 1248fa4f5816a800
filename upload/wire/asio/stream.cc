#include "upload/wire/asio/stream.h"

#include <boost/asio/ssl.hpp>

namespace warmdump::wire {
namespace {

class PlainStream final : public Stream {
 public:
  explicit PlainStream(tcp::socket& socket) : socket_(socket) {}

  Task<std::size_t> read_some(asio::mutable_buffer target, error_code& error) override {
    co_return co_await socket_.async_read_some(target, into(error));
  }
  Task<std::size_t> write_some(asio::const_buffer bytes, error_code& error) override {
    co_return co_await socket_.async_write_some(bytes, into(error));
  }

 private:
  tcp::socket& socket_;
};

// An asio context owns a reference; the session takes one of its own.
asio::ssl::context borrowed(SSL_CTX* context) {
  SSL_CTX_up_ref(context);
  return asio::ssl::context(context);
}

template <class Next>
class TlsStreamOver final : public TlsStream {
 public:
  TlsStreamOver(Next& next, SSL_CTX* context) : context_(borrowed(context)), stream_(next, context_) {}

  SSL* session() override { return stream_.native_handle(); }

  Task<void> handshake(error_code& error) override {
    co_await stream_.async_handshake(asio::ssl::stream_base::client, into(error));
  }
  Task<std::size_t> read_some(asio::mutable_buffer target, error_code& error) override {
    co_return co_await stream_.async_read_some(target, into(error));
  }
  Task<std::size_t> write_some(asio::const_buffer bytes, error_code& error) override {
    co_return co_await stream_.async_write_some(bytes, into(error));
  }
  std::unique_ptr<TlsStream> inner(SSL_CTX* context) override {
    // Twice is what a proxy needs, and where the templates end.
    if constexpr (std::is_same_v<Next, tcp::socket>) {
      return std::make_unique<TlsStreamOver<asio::ssl::stream<tcp::socket&>>>(stream_, context);
    } else {
      return nullptr;
    }
  }

 private:
  asio::ssl::context context_;
  asio::ssl::stream<Next&> stream_;
};

}  // namespace

std::unique_ptr<Stream> make_plain_stream(tcp::socket& socket) {
  return std::make_unique<PlainStream>(socket);
}

std::unique_ptr<TlsStream> make_tls_stream(tcp::socket& socket, SSL_CTX* context) {
  return std::make_unique<TlsStreamOver<tcp::socket>>(socket, context);
}

bool is_tls_error(const error_code& error) {
  return error.category() == asio::error::get_ssl_category();
}

Task<void> write_all(Stream& stream, asio::const_buffer bytes, error_code& error) {
  while (bytes.size() > 0 && !error) bytes += co_await stream.write_some(bytes, error);
}

}  // namespace warmdump::wire
