#include "upload/wire/asio/connection_pool.h"

#include <algorithm>
#include <utility>

namespace warmdump::wire {

std::unique_ptr<Connection> ConnectionPool::take(const std::string& key,
                                                 std::chrono::milliseconds freshness) {
  const Time now = std::chrono::steady_clock::now();
  const std::lock_guard lock(mutex_);
  std::erase_if(waiting_,
                [&](const Waiting& one) { return one.since < now - idle_ || !one.connection->is_quiet(); });
  const auto found = std::find_if(waiting_.rbegin(), waiting_.rend(), [&](const Waiting& one) {
    return one.key == key && one.since >= now - freshness;
  });
  if (found == waiting_.rend()) return nullptr;
  std::unique_ptr<Connection> connection = std::move(found->connection);
  waiting_.erase(std::next(found).base());
  return connection;
}

void ConnectionPool::give(std::string key, std::unique_ptr<Connection> connection) {
  const std::lock_guard lock(mutex_);
  waiting_.push_back({std::move(key), std::chrono::steady_clock::now(), std::move(connection)});
  if (waiting_.size() > most_) waiting_.erase(waiting_.begin());
}

}  // namespace warmdump::wire
