// ConnectionPool: connections that wait for their next request. From any thread; a connection is the pool's
// or the caller's, never both's.

#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "upload/wire/asio/connection.h"

namespace warmdump::wire {

class ConnectionPool {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // Keeps at most so many, each at most so long.
  ConnectionPool(unsigned most, std::chrono::milliseconds idle) : most_(most), idle_(idle) {}

  // The one that waits for the shortest time, if that is no more than `freshness` and nothing was heard on it
  // since. Null for none.
  std::unique_ptr<Connection> take(const std::string& key, std::chrono::milliseconds freshness);
  // The oldest one goes when there are too many.
  void give(std::string key, std::unique_ptr<Connection> connection);

 private:
  struct Waiting {
    std::string key;
    Time since;
    std::unique_ptr<Connection> connection;
  };

  const unsigned most_;
  const std::chrono::milliseconds idle_;
  std::mutex mutex_;
  std::vector<Waiting> waiting_;  // oldest first
};

}  // namespace warmdump::wire
