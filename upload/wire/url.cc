#include "upload/wire/url.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "common/hosted/ascii.h"

namespace warmdump {
namespace {

bool is_one_of(char c, std::string_view set) {
  return set.find(c) != std::string_view::npos;
}

Failure bad_url(std::string_view text, std::string_view why) {
  return Failure(ErrorCode::invalid, fmt::format("bad address \"{}\": {}", redacted(text), why));
}

bool is_address(const std::string& host, int family) {
  unsigned char bytes[sizeof(in6_addr)];
  return inet_pton(family, host.c_str(), bytes) == 1;
}

const char* path_problem(std::string_view path) {
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '%') {
      if (i + 2 >= path.size() || !is_hex(path[i + 1]) || !is_hex(path[i + 2])) {
        return "a '%' in the path needs two hexadecimal digits";
      }
    } else if (!is_alphanumeric(path[i]) && !is_one_of(path[i], "/-._~!$&'()*+,;=:@")) {
      return "the path has a character that must be percent-encoded";
    }
  }
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const auto segment = lower_case(path.substr(begin, end - begin));
    if (segment == "." || segment == ".." || segment.find("%2e") != std::string::npos) {
      return "dot segments in the path are not allowed";
    }
    begin = end + 1;
  }
  return nullptr;
}

}  // namespace

std::string Url::authority() const {
  const bool is_ipv6 = host.find(':') != std::string::npos;
  std::string text = is_ipv6 ? "[" + host + "]" : host;
  if (port != (is_https ? 443 : 80)) text += fmt::format(":{}", port);
  return text;
}

std::string Url::text() const {
  return (is_https ? "https://" : "http://") + authority() + path;
}

Url Url::child(std::string_view segment) const {
  Url url = *this;
  url.path += '/';
  for (const char c : segment) {
    if (is_alphanumeric(c) || is_one_of(c, "-._~:")) {
      url.path += c;
    } else {
      url.path += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return url;
}

Url Url::below(std::string_view relative) const {
  Url url = *this;
  while (!relative.empty()) {
    const auto end = std::min(relative.find('/'), relative.size());
    url = url.child(relative.substr(0, end));
    relative.remove_prefix(std::min(end + 1, relative.size()));
  }
  return url;
}

Outcome<Url> parse_url(std::string_view text) {
  Url url;
  const auto control = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 0x7f; };
  if (std::any_of(text.begin(), text.end(), control)) {
    return bad_url(text, "blanks and control characters are not allowed");
  }
  const auto scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos) return bad_url(text, "it must begin with http:// or https://");
  const std::string scheme = lower_case(text.substr(0, scheme_end));
  if (scheme != "http" && scheme != "https") return bad_url(text, "only http and https are known");
  url.is_https = scheme == "https";

  std::string_view rest = text.substr(scheme_end + 3);
  if (rest.find_first_of("?#") != std::string_view::npos) {
    return bad_url(text, "a query or fragment is not possible, file names are appended to the path");
  }
  const auto authority_end = std::min(rest.find('/'), rest.size());
  std::string_view authority = rest.substr(0, authority_end);
  std::string_view path = rest.substr(authority_end);
  if (authority.find('@') != std::string_view::npos) {
    return bad_url(text,
                   "user and password do not belong here, other users can see them; "
                   "use --credentials-file");
  }

  std::string_view port;
  if (authority.starts_with('[')) {
    const auto bracket = authority.find(']');
    if (bracket == std::string_view::npos) return bad_url(text, "the IPv6 address lacks its ']'");
    url.host = lower_case(authority.substr(1, bracket - 1));
    if (!is_address(url.host, AF_INET6)) return bad_url(text, "not an IPv6 address between the brackets");
    url.host_is_address = true;
    port = authority.substr(bracket + 1);
    if (!port.empty() && port.front() != ':') return bad_url(text, "only a port may follow the ']'");
  } else {
    const auto colon = std::min(authority.find(':'), authority.size());
    url.host = lower_case(authority.substr(0, colon));
    port = authority.substr(colon);
    const auto host_character = [](char c) { return is_alphanumeric(c) || is_one_of(c, "-._"); };
    if (url.host.empty() || url.host.size() > 253 ||
        !std::all_of(url.host.begin(), url.host.end(), host_character)) {
      return bad_url(text, "the host name is empty, too long or has odd characters");
    }
    url.host_is_address = is_address(url.host, AF_INET);
  }

  url.port = url.is_https ? 443 : 80;
  if (!port.empty()) {
    const auto [end, error] = std::from_chars(port.data() + 1, port.data() + port.size(), url.port);
    if (error != std::errc{} || end != port.data() + port.size() || url.port == 0) {
      return bad_url(text, "the port must be a number from 1 to 65535");
    }
  }
  if (const char* problem = path_problem(path)) return bad_url(text, problem);
  while (path.ends_with('/')) path.remove_suffix(1);
  url.path = path;
  return url;
}

std::string redacted(std::string_view text) {
  std::string clean;
  const auto at = text.rfind('@');
  if (at != std::string_view::npos) {
    clean = "...@";
    text.remove_prefix(at + 1);
  }
  const auto query = text.find_first_of("?#");
  const bool has_query = query != std::string_view::npos;
  for (const char c : text.substr(0, query)) clean += c >= ' ' && c < 0x7f ? c : '?';
  return has_query ? clean + "..." : clean;
}

}  // namespace warmdump
