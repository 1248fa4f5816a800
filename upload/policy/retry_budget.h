// RetryBudget: how many retries one run may spend, over all dumps: a bucket of tokens. Each retry takes some,
// each piece that arrives gives some back. So a link that loses something now and then is retried for ever,
// and a dead one is left alone after a few attempts, however many dumps wait.

#pragma once

#include <algorithm>

namespace warmdump {

class RetryBudget {
 public:
  static constexpr unsigned kFull = 60;
  static constexpr unsigned kPerRetry = 3;
  static constexpr unsigned kPerArrival = 2;

  // False, and nothing is taken, when too little is left: the run ends.
  bool take_retry() {
    if (tokens_ < kPerRetry) return false;
    tokens_ -= kPerRetry;
    return true;
  }
  void piece_arrived() { tokens_ = std::min(tokens_ + kPerArrival, kFull); }
  unsigned tokens() const { return tokens_; }

 private:
  unsigned tokens_ = kFull;
};

}  // namespace warmdump
