#include "upload/destination/wanted.h"

#include <algorithm>

#include "common/hosted/ascii.h"
#include "upload/destination/server_words.h"
#include "upload/source/dump_key.h"
#include "upload/transfer/retry_policy.h"

namespace warmdump {
namespace {

constexpr std::size_t kWordMax = 64;

}  // namespace

std::optional<Destination::Want> parse_want(std::string_view text) {
  const auto first = text.substr(0, kWordMax).find_first_not_of(" \t\r\n");
  if (first == text.npos) return std::nullopt;
  text.remove_prefix(first);
  text = text.substr(0, std::min(text.find_last_not_of(" \t\r\n"), kWordMax) + 1);
  const std::string word = lower_case(text);
  if (word == "dump") return Destination::Want::dump;
  if (word == "nothing") return Destination::Want::nothing;
  if (word == "later") return Destination::Want::later;
  return std::nullopt;
}

void HeardWants::hear(std::string_view object_key, const HttpAnswer& answer) {
  if (const auto want = parse_want(answer.header(kWantHeader))) hear(object_key, *want);
}

void HeardWants::hear(std::string_view object_key, Destination::Want want) {
  const std::string suffix = "/" + std::string(kReportManifestName);
  if (!object_key.ends_with(suffix)) return;
  const std::lock_guard lock(mutex_);
  by_dump_[std::string(object_key.substr(0, object_key.size() - suffix.size()))] = want;
}

std::optional<Destination::Want> HeardWants::take(std::string_view dump_key) {
  const std::lock_guard lock(mutex_);
  const auto found = by_dump_.find(dump_key);
  if (found == by_dump_.end()) return std::nullopt;
  const auto want = found->second;
  by_dump_.erase(found);
  return want;
}

SendOutcome<std::optional<Destination::Want>> ask_beside_manifest(const HttpPlace& place,
                                                                  std::string_view dump_key) {
  HttpRequest request;
  request.method = "GET";
  request.url = place.url;
  while (request.url.path.ends_with('/')) request.url.path.pop_back();
  request.url = request.url.below(std::string(dump_key) + "/" + std::string(kWantName));
  request.headers = place.headers();
  auto answer = place.transport->exchange(request);
  const std::string step = "cannot ask for " + request.url.text();
  if (!answer.has_value()) return std::move(answer.error()).in(step);
  if (const auto want = parse_want(answer->header(kWantHeader))) return want;
  if (answer->status == 200) return parse_want(answer->body);
  if (meaning_of_status(answer->status) == StatusMeaning::temporary) return refusal(*answer, "").in(step);
  return std::optional<Destination::Want>();
}

}  // namespace warmdump
