#include "upload/wire/proxy.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "common/hosted/ascii.h"
#include "common/hosted/secret.h"
#include "upload/destination/credentials.h"

namespace warmdump {
namespace {

Failure bad_proxy(const Failure& why) {
  return Failure(ErrorCode::invalid, "proxy: " + why.message);
}

std::string bytes_of(const std::string& address) {
  unsigned char bytes[sizeof(in6_addr)];
  if (inet_pton(AF_INET, address.c_str(), bytes) == 1) return {reinterpret_cast<char*>(bytes), 4};
  if (inet_pton(AF_INET6, address.c_str(), bytes) == 1) return {reinterpret_cast<char*>(bytes), 16};
  return "";
}

bool same_bits(const std::string& left, const std::string& right, unsigned bits) {
  for (unsigned bit = 0; bit < bits; ++bit) {
    const int mask = 0x80 >> (bit % 8);
    if (((left[bit / 8] ^ right[bit / 8]) & mask) != 0) return false;
  }
  return true;
}

Outcome<Proxy> parse_proxy(std::string_view text, bool may_have_userinfo) {
  Proxy proxy;
  std::string address(text);
  if (address.find("://") == std::string::npos) address = "http://" + address;
  const auto at = address.rfind('@');
  if (may_have_userinfo && at != std::string::npos) {
    const auto begin = address.find("://") + 3;
    auto credentials = parse_credentials(std::string_view(address).substr(begin, at - begin));
    if (!credentials.has_value())
      return Failure(ErrorCode::invalid, "user and password of the proxy make no sense");
    proxy.authorization = credentials->authorization();
    address.erase(begin, at + 1 - begin);
  } else if (at != std::string::npos) {
    return Failure(ErrorCode::invalid,
                   "user and password do not belong into the proxy's address, others can read them; use "
                   "proxy_credentials_file");
  }
  auto url = parse_url(address);
  if (!url.has_value()) return bad_proxy(url.error());
  if (!url->path.empty()) return Failure(ErrorCode::invalid, "a proxy has no path: " + url->text());
  proxy.url = std::move(*url);
  return proxy;
}

Outcome<std::optional<Proxy>> proxy_of_environment(const std::function<const char*(const char*)>& environment,
                                                   std::initializer_list<const char*> names) {
  for (const char* name : names) {
    const char* value = environment(name);
    if (value != nullptr && *value != '\0') {
      return std::optional(TRY(in_context(name, parse_proxy(value, true))));
    }
  }
  return std::optional<Proxy>();
}

}  // namespace

Outcome<NoProxy> NoProxy::parse(std::string_view list) {
  NoProxy none;
  while (!list.empty()) {
    const auto end = std::min(list.find_first_of(", \t"), list.size());
    std::string item = lower_case(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
    if (item.empty()) continue;
    if (item == "*") {
      none.all_ = true;
      continue;
    }
    const auto slash = item.find('/');
    std::string host = item.substr(0, slash);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    const std::string bytes = bytes_of(host);
    if (slash == std::string::npos) {
      if (!bytes.empty()) {
        none.networks_.push_back({bytes, static_cast<unsigned>(8 * bytes.size())});
      } else {
        while (host.starts_with('*') || host.starts_with('.')) host.erase(0, 1);
        if (!host.empty()) none.names_.push_back(host);
      }
      continue;
    }
    unsigned bits = std::numeric_limits<unsigned>::max();
    const char* const last = item.data() + item.size();
    const auto [stop, error] = std::from_chars(item.data() + slash + 1, last, bits);
    if (bytes.empty() || error != std::errc{} || stop != last || bits > 8 * bytes.size()) {
      return Failure(ErrorCode::invalid, fmt::format("no_proxy: \"{}\" is no network", redacted(item)));
    }
    none.networks_.push_back({bytes, bits});
  }
  return none;
}

bool NoProxy::covers(const Url& url) const {
  if (all_) return true;
  if (!url.host_is_address) {
    return std::any_of(names_.begin(), names_.end(), [&](const std::string& name) {
      return url.host == name || (url.host.size() > name.size() && url.host.ends_with(name) &&
                                  url.host[url.host.size() - name.size() - 1] == '.');
    });
  }
  const std::string bytes = bytes_of(url.host);
  return std::any_of(networks_.begin(), networks_.end(), [&](const Network& network) {
    return network.bytes.size() == bytes.size() && same_bits(network.bytes, bytes, network.bits);
  });
}

const Proxy* ProxyRules::find(const Url& target) const {
  const auto& proxy = target.is_https ? for_https : for_http;
  return !proxy || none.covers(target) ? nullptr : &*proxy;
}

Outcome<ProxyRules> make_proxy_rules(const ProxySettings& settings,
                                     const std::function<const char*(const char*)>& environment) {
  ProxyRules rules;
  std::string no_proxy = settings.no_proxy;
  if (settings.proxy.empty()) {
    if (!settings.credentials_file.empty()) {
      return Failure(ErrorCode::invalid, "credentials for a proxy, but no proxy; set proxy too");
    }
    return rules;
  }
  if (settings.proxy == "environment") {
    rules.for_https = TRY(proxy_of_environment(environment, {"https_proxy", "HTTPS_PROXY"}));
    rules.for_http = TRY(proxy_of_environment(environment, {"http_proxy"}));
    for (const char* name : {"no_proxy", "NO_PROXY"}) {
      const char* value = environment(name);
      if (value != nullptr) no_proxy += std::string(",") + value;
    }
  } else {
    rules.for_https = TRY(parse_proxy(settings.proxy, false));
    rules.for_http = rules.for_https;
  }
  rules.none = TRY(NoProxy::parse(no_proxy));
  if (!settings.credentials_file.empty()) {
    const auto credentials = TRY(in_context("proxy", read_credentials_file(settings.credentials_file)));
    if (!credentials.authorization().starts_with("Basic ")) {
      return Failure(ErrorCode::invalid, "proxy credentials must be one line \"user:password\"");
    }
    for (auto* proxy : {&rules.for_http, &rules.for_https}) {
      if (*proxy) (*proxy)->authorization = credentials.authorization();
    }
  }
  return rules;
}

SendFailure proxy_failure(const Proxy& proxy, unsigned status, const std::string& target) {
  const std::string name = "the proxy " + proxy.url.text();
  SendFailure failure;
  failure.http_status = status;
  failure.remedy = Remedy::change_sink;
  if (status == 407) {
    failure.failure =
        Failure(ErrorCode::refused, name + (proxy.authorization.empty()
                                                ? " wants user and password (407); set proxy_credentials_file"
                                                : " refuses our user and password (407); check "
                                                  "proxy_credentials_file"));
    return failure;
  }
  if (status >= 500 || status == 408 || status == 429) failure.remedy = Remedy::wait;
  const bool is_temporary = failure.remedy == Remedy::wait;
  failure.failure =
      Failure(is_temporary ? ErrorCode::io : ErrorCode::refused,
              fmt::format("{} {} {}: it answered {}", name,
                          is_temporary ? "cannot reach" : "does not let us reach", target, status));
  return failure;
}

}  // namespace warmdump
