#include "upload/wire/name_lookup.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <signal.h>

#include <algorithm>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>

namespace warmdump {
namespace {

constexpr std::size_t kAddressesMax = 16;

struct AddressesFree {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};

std::string text_of(const sockaddr* address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address->sa_family == AF_INET) {
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(address)->sin_addr, text, sizeof text);
  } else if (address->sa_family == AF_INET6) {
    inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr, text, sizeof text);
  }
  return text;
}

Outcome<std::vector<std::string>> look_up(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* list = nullptr;
  int result = getaddrinfo(host.c_str(), nullptr, &hints, &list);
  if (result == EAI_NONAME || result == EAI_ADDRFAMILY || result == EAI_NODATA) {
    // A machine with nothing but loopback has, by AI_ADDRCONFIG, no family at all.
    hints.ai_flags = 0;
    result = getaddrinfo(host.c_str(), nullptr, &hints, &list);
  }
  if (result == EAI_SYSTEM) return Failure::system("cannot find host " + host, errno);
  if (result != 0) {
    return Failure(ErrorCode::not_found, fmt::format("cannot find host {}: {}", host, gai_strerror(result)));
  }
  const std::unique_ptr<addrinfo, AddressesFree> owner(list);
  std::vector<std::string> addresses;
  for (const addrinfo* item = list; item != nullptr; item = item->ai_next) {
    std::string text = text_of(item->ai_addr);
    if (!text.empty()) addresses.push_back(std::move(text));
  }
  return addresses;
}

struct Lookup {
  bool is_done = false;
  std::optional<Outcome<std::vector<std::string>>> result;
};

}  // namespace

struct NameLookup::Shared {
  NameResolver resolver;
  std::mutex mutex;
  std::condition_variable changed;
  std::map<std::string, std::shared_ptr<Lookup>> running;
};

namespace {

void run(const std::shared_ptr<NameLookup::Shared>& shared, const std::string& host,
         const std::shared_ptr<Lookup>& lookup) {
  auto result = [&]() -> Outcome<std::vector<std::string>> {
    try {
      return shared->resolver(host);
    } catch (const std::exception& error) {
      return Failure(ErrorCode::io, fmt::format("cannot find host {}: {}", host, error.what()));
    }
  }();
  const std::lock_guard lock(shared->mutex);
  lookup->result.emplace(std::move(result));
  lookup->is_done = true;
  shared->running.erase(host);
  shared->changed.notify_all();
}

// With all signals blocked: they belong to the program's own threads.
void start_thread(std::function<void()> work) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    std::thread(std::move(work)).detach();
  } catch (...) {
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    throw;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace

NameResolver system_resolver() {
  return look_up;
}

NameLookup::NameLookup(NameResolver resolver) : shared_(std::make_shared<Shared>()) {
  shared_->resolver = std::move(resolver);
}

NameLookup::~NameLookup() = default;

Outcome<std::vector<std::string>> NameLookup::find(const std::string& host, std::chrono::milliseconds limit) {
  std::unique_lock lock(shared_->mutex);
  auto& slot = shared_->running[host];
  if (!slot) {
    slot = std::make_shared<Lookup>();
    try {
      start_thread([shared = shared_, host, lookup = slot] { run(shared, host, lookup); });
    } catch (const std::system_error& error) {
      shared_->running.erase(host);
      return Failure(ErrorCode::io, fmt::format("cannot find host {}: {}", host, error.what()));
    }
  }
  const std::shared_ptr<Lookup> lookup = slot;
  if (!shared_->changed.wait_for(lock, limit, [&] { return lookup->is_done; })) {
    return Failure(ErrorCode::timed_out, fmt::format("cannot find host {}: no answer within {} s", host,
                                                     static_cast<double>(limit.count()) / 1000));
  }
  if (!lookup->result->has_value()) return Failure(lookup->result->error());
  if ((*lookup->result)->empty())
    return Failure(ErrorCode::not_found, fmt::format("host {} has no address", host));
  auto addresses = in_turn(**lookup->result);
  addresses.resize(std::min(addresses.size(), kAddressesMax));
  return addresses;
}

std::vector<std::string> in_turn(const std::vector<std::string>& addresses) {
  const auto is_v6 = [](const std::string& address) { return address.find(':') != std::string::npos; };
  std::vector<std::string> first;
  std::vector<std::string> second;
  for (const auto& address : addresses)
    (is_v6(address) == is_v6(addresses.front()) ? first : second).push_back(address);
  std::vector<std::string> mixed;
  for (std::size_t i = 0; i < std::max(first.size(), second.size()); ++i) {
    if (i < first.size()) mixed.push_back(first[i]);
    if (i < second.size()) mixed.push_back(second[i]);
  }
  return mixed;
}

}  // namespace warmdump
