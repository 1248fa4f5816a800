// A request to a server that is slow, lying or hostile, on real sockets with short limits.

#pragma once

#include <fmt/format.h>

#include "tests/upload/dump_fixture.h"
#include "tests/upload/fault_server.h"
#include "tests/upload/wire_fixture.h"
#include "upload/source/dump_directory.h"

namespace warmdump {

inline constexpr std::size_t kBodyBytes = 16 * 1024 * 1024;  // far more than the socket buffers hold

class HostileServerTest : public DumpTest {
 protected:
  SendOutcome<HttpAnswer> put(const FaultServer& server, std::size_t bytes,
                              const std::string& scheme = "http") {
    make_vmcore(bytes);
    const auto opened = open_dump_directory(dump);
    const auto vmcore = open_unchanged(*opened, opened->files.back());
    auto transport = make_http_transport({.with_tls = scheme == "https", .limits = limits});
    HttpRequest request;
    request.url = *parse_url(fmt::format("{}://127.0.0.1:{}/vmcore", scheme, server.port()));
    request.body = &*vmcore;
    request.body_bytes = bytes;
    request.done = [this](ByteCount done) { sent = done; };
    return (*transport)->exchange(request);
  }

  HttpLimits limits = short_limits();
  ByteCount sent = 0;
};

inline void expect_failure(const SendOutcome<HttpAnswer>& result, Remedy remedy, const char* text) {
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().remedy, remedy) << result.error().failure.message;
  EXPECT_THAT(result.error().failure.message, testing::HasSubstr(text));
}

}  // namespace warmdump
