// Which requests go through which proxy. Nothing here looks anything up.

#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/hosted/failure.h"
#include "upload/transfer/send_failure.h"
#include "upload/wire/url.h"

namespace warmdump {

struct Proxy {
  Url url;                         // of http or https, without a path
  std::string authorization = {};  // value of Proxy-Authorization; empty for none
};

// The hosts that are reached without a proxy: "*", names with all below them ("example.org" and
// ".example.org" are the same), addresses, and networks such as "10.0.0.0/8" or "fd00::/8". By commas or
// blanks.
class NoProxy {
 public:
  static Outcome<NoProxy> parse(std::string_view list);
  // A name is not looked up, so it is never in a network.
  bool covers(const Url& url) const;

 private:
  struct Network {
    std::string bytes;  // 4 or 16
    unsigned bits = 0;
  };
  bool all_ = false;
  std::vector<std::string> names_;  // lower case, without the dot in front
  std::vector<Network> networks_;
};

struct ProxyRules {
  std::optional<Proxy> for_http;
  std::optional<Proxy> for_https;
  NoProxy none;

  // Null: directly.
  const Proxy* find(const Url& target) const;
};

struct ProxySettings {
  std::string proxy;  // as in HttpTransportOptions
  std::string credentials_file;
  std::string no_proxy;
};

// `environment` gives the value of a variable, null when it is not set. It is asked only when the settings
// say so; then user and password may stand in the address, which is nobody else's to read. http_proxy counts
// in lower case alone: a CGI program gets the other from whoever calls it.
Outcome<ProxyRules> make_proxy_rules(const ProxySettings& settings,
                                     const std::function<const char*(const char*)>& environment);

// What it means that the proxy itself answered `status`, no success, when it was asked to reach `target`.
SendFailure proxy_failure(const Proxy& proxy, unsigned status, const std::string& target);

}  // namespace warmdump
