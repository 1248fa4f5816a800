#include "upload/destination.h"

#include <string_view>

#include "upload/directory_destination.h"
#include "upload/http_destination.h"
#include "upload/url.h"

namespace warmdump {
namespace {

using MakeDestination = Outcome<std::unique_ptr<Destination>> (*)(const std::string& address,
                                                                  const DestinationOptions& options);

struct Scheme {
  std::string_view prefix;
  MakeDestination make;
};

// To add one: <name>_destination.{h,cc} implementing Destination, with its make function; a row here; its
// wire code behind a seam like http_transport.h; its rows in meaning_of_status if its answers differ; a test
// against a real server in tests/upload; a paragraph in docs/man/warmdump-upload.8.
constexpr Scheme kSchemes[] = {
    {"dir:", make_directory_destination},
    {"http://", make_http_destination},
    {"https://", make_http_destination},
};

}  // namespace

Outcome<std::unique_ptr<Destination>> make_destination(const std::string& address,
                                                       const DestinationOptions& options) {
  for (const auto& scheme : kSchemes) {
    if (address.starts_with(scheme.prefix)) return scheme.make(address, options);
  }
  return Failure(ErrorCode::invalid, "unknown destination \"" + redacted(address) +
                                         "\"; use dir:PATH, http://... or https://...");
}

}  // namespace warmdump
