// What a server wants of the dumps whose reports it got, as far as it says so: the header "Warmdump-Want" of
// an answer, or the text of an object. One word: dump, nothing or later; any other says nothing.

#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "upload/destination/destination.h"
#include "upload/destination/http_place.h"

namespace warmdump {

inline constexpr std::string_view kWantHeader = "warmdump-want";
// The object beside the manifest, <dump key>/want, that can be asked for it later.
inline constexpr std::string_view kWantName = "want";

// Blanks and line ends around the word do not count, nor does its case.
std::optional<Destination::Want> parse_want(std::string_view text);

// What answers to the manifests of reports said. May be used by several threads at once.
class HeardWants {
 public:
  // Looks at the answer to sending `object_key`; nothing is kept unless that is the manifest of a report.
  void hear(std::string_view object_key, const HttpAnswer& answer);
  void hear(std::string_view object_key, Destination::Want want);
  // What was heard of the dump, once: asked again, the server has to be asked again.
  std::optional<Destination::Want> take(std::string_view dump_key);

 private:
  std::mutex mutex_;
  std::map<std::string, Destination::Want, std::less<>> by_dump_;
};

// GET <place>/<dump key>/want: what the header of the answer, of whatever status, or the text of a 200 says.
// Servers that know of no such thing say nothing; what is temporary is a failure.
SendOutcome<std::optional<Destination::Want>> ask_beside_manifest(const HttpPlace& place,
                                                                  std::string_view dump_key);

}  // namespace warmdump
