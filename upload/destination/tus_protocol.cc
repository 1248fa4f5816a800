#include "upload/destination/tus_protocol.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "upload/destination/base64.h"

namespace warmdump::tus {
namespace {

// Best first. To add one: as Tus-Checksum-Algorithm calls it, which OpenSSL must know by the same name.
constexpr std::string_view kAlgorithms[] = {"sha256", "sha1"};

constexpr std::size_t kIdMax = 2048;

bool lists(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    const auto end = std::min(list.find(','), list.size());
    auto item = list.substr(0, end);
    while (item.starts_with(' ')) item.remove_prefix(1);
    while (item.ends_with(' ')) item.remove_suffix(1);
    if (item == word) return true;
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return false;
}

// RFC 3986, section 5.2.4, for a path that begins with '/'.
std::string without_dot_segments(std::string_view path) {
  std::vector<std::string_view> segments;
  bool ends_in_directory = false;
  while (!path.empty()) {
    path.remove_prefix(1);
    const auto end = std::min(path.find('/'), path.size());
    const auto segment = path.substr(0, end);
    path.remove_prefix(end);
    ends_in_directory = segment == "." || segment == "..";
    if (segment == ".." && !segments.empty()) segments.pop_back();
    if (!ends_in_directory) segments.push_back(segment);
  }
  std::string clean;
  for (const auto segment : segments) clean += "/" + std::string(segment);
  return ends_in_directory || clean.empty() ? clean + "/" : clean;
}

bool is_query(std::string_view query) {
  return std::all_of(query.begin(), query.end(),
                     [](char c) { return c > ' ' && c < 0x7f && c != '#' && c != '"' && c != '<'; });
}

Failure bad_location(std::string_view location, std::string_view why) {
  return Failure(ErrorCode::invalid,
                 fmt::format("the server's Location \"{}\" {}", redacted(location.substr(0, 200)), why));
}

}  // namespace

Abilities read_abilities(const HttpAnswer& answer) {
  Abilities abilities;
  const auto versions = answer.header("tus-version");
  abilities.speaks_our_version = versions.empty() || lists(versions, kVersion);
  const auto extensions = answer.header("tus-extension");
  abilities.can_terminate = lists(extensions, "termination");
  if (lists(extensions, "checksum")) {
    for (const auto algorithm : kAlgorithms) {
      if (!lists(answer.header("tus-checksum-algorithm"), algorithm)) continue;
      abilities.checksum_algorithm = algorithm;
      break;
    }
  }
  // 0 is how some servers say that there is no limit.
  abilities.size_max = parse_offset(answer.header("tus-max-size"));
  if (abilities.size_max == ByteCount{0}) abilities.size_max.reset();
  return abilities;
}

std::string metadata_text(const ObjectToSend& object) {
  const auto slash = object.key.rfind('/');
  const bool has_dump = slash != std::string::npos;
  std::vector<std::pair<std::string, std::string>> pairs{
      {"key", object.key},
      {"filename", has_dump ? object.key.substr(slash + 1) : object.key},
      {"dump", has_dump ? object.key.substr(0, slash) : ""},
      {"sha256", object.sha256},
      {"filetype", object.content_type}};
  const auto own = pairs.size();
  for (const auto& pair : object.metadata) {
    const bool is_taken = std::any_of(pairs.begin(), pairs.begin() + static_cast<std::ptrdiff_t>(own),
                                      [&](const auto& taken) { return taken.first == pair.first; });
    if (!is_taken) pairs.push_back(pair);
  }
  std::string text;
  for (const auto& [name, value] : pairs) {
    if (value.empty()) continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : ",", name, base64_text(value));
  }
  return text;
}

std::optional<ByteCount> parse_offset(std::string_view text) {
  std::int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || text.starts_with('-') || error != std::errc{} || stop != end) return std::nullopt;
  return static_cast<ByteCount>(value);
}

std::time_t parse_date(std::string_view text) {
  std::tm date{};
  const std::string copy(text);
  const char* const rest = strptime(copy.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &date);
  if (rest == nullptr || *rest != '\0') return 0;
  return std::max<std::time_t>(timegm(&date), 0);
}

Outcome<std::string> resolve_location(const Url& endpoint, std::string_view location) {
  const auto whole = location;
  location = location.substr(0, location.find('#'));
  if (location.empty()) return Failure(ErrorCode::invalid, "the server does not say where the upload is");
  const auto question = std::min(location.find('?'), location.size());
  const std::string query(location.substr(question));
  const std::string place(location.substr(0, question));
  const auto first_slash = std::min(place.find('/'), place.size());
  const bool has_scheme = place.substr(0, first_slash).find(':') != std::string::npos;

  std::string path;
  if (has_scheme || place.starts_with("//")) {
    const std::string text = has_scheme ? place : (endpoint.is_https ? "https:" : "http:") + place;
    const auto there = parse_url(text);
    if (!there.has_value()) return bad_location(whole, "is no address");
    if (there->is_https != endpoint.is_https || there->host != endpoint.host ||
        there->port != endpoint.port) {
      Failure failure =
          bad_location(whole,
                       "is at another origin, which is not followed; behind a proxy, make the server believe "
                       "X-Forwarded-Proto and X-Forwarded-Host");
      failure.code = ErrorCode::refused;
      return failure;
    }
    path = there->path;
  } else if (place.starts_with('/')) {
    path = without_dot_segments(place);
  } else if (place.empty()) {
    path = endpoint.path;
  } else {
    path = without_dot_segments(
        endpoint.path.substr(0, endpoint.path.rfind('/') + 1).insert(0, endpoint.path.empty() ? "/" : "") +
        place);
  }
  const std::string id = path + query;
  TRY(upload_address(endpoint, id));
  return id;
}

Outcome<UploadAddress> upload_address(const Url& endpoint, std::string_view id) {
  const auto question = std::min(id.find('?'), id.size());
  UploadAddress address{endpoint, std::string(id.substr(std::min(question + 1, id.size())))};
  Url origin = endpoint;
  origin.path.clear();
  const auto parsed = parse_url(origin.text() + std::string(id.substr(0, question)));
  if (id.size() > kIdMax || !id.starts_with('/') || !parsed.has_value() || !is_query(address.query)) {
    return Failure(ErrorCode::invalid,
                   fmt::format("\"{}\" cannot be the path of an upload", redacted(id.substr(0, 200))));
  }
  // parse_url drops slashes at the end, which a server may need.
  address.url.path = id.substr(0, question);
  return address;
}

std::vector<Piece> pieces_from(ByteCount offset, ByteCount size, ByteCount piece_size) {
  std::vector<Piece> pieces;
  for (unsigned number = 1; offset < size; ++number) {
    const ByteCount end = std::min(size, (offset / piece_size + 1) * piece_size);
    pieces.push_back({number, offset, end - offset});
    offset = end;
  }
  return pieces;
}

}  // namespace warmdump::tus
