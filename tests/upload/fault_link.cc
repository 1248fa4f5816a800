#include "tests/upload/fault_link.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace warmdump {
namespace {

constexpr ByteCount kAtOnce = 64 * kKiB;
constexpr ByteCount kThrottledAtOnce = 4 * kKiB;
constexpr auto kThrottledInterval = std::chrono::milliseconds(10);
constexpr auto kDrainTime = std::chrono::seconds(2);

}  // namespace

FaultLink::FaultLink(FaultSource& source, UniqueFd client, UniqueFd server, std::optional<Fault> fault)
    : source_(source), fault_(fault) {
  sides_[0].fd = std::move(client);
  sides_[1].fd = std::move(server);
}

void FaultLink::add_to(std::vector<pollfd>& polled) {
  first_polled_ = polled.size();
  for (std::size_t at = 0; at < sides_.size(); ++at) {
    const Side& side = sides_[at];
    short events = 0;
    if (drain_until_ || can_read(at)) events = POLLIN;
    if (!side.to_write.empty()) events = static_cast<short>(events | POLLOUT);
    // Without events it would still be woken by the end of the other side, again and again.
    const bool is_asleep = side.is_gone || is_still() || events == 0;
    polled.push_back({is_asleep ? -1 : side.fd.get(), events, 0});
  }
}

void FaultLink::step(const std::vector<pollfd>& polled) {
  const auto now = SteadyClock::now();
  if (drain_until_) return drain(now);
  if (held_until_ && now >= *held_until_) end_hold();
  for (std::size_t at = 0; at < sides_.size(); ++at) {
    if (is_over_ || is_still() || drain_until_) return;
    const pollfd& item = polled[first_polled_ + at];
    if ((item.revents & (POLLERR | POLLNVAL)) != 0) return reset();
    if ((item.revents & (POLLIN | POLLHUP)) != 0 && can_read(at)) read_from(at);
    if (is_over_ || is_still() || drain_until_) return;
    write_to(0);
    if (!is_over_) write_to(1);
  }
  if (sides_[0].was_told_end && sides_[1].was_told_end) is_over_ = true;
}

bool FaultLink::can_read(std::size_t at) const {
  if (throttled_ && SteadyClock::now() < next_read_) return false;
  return !sides_[at].has_ended && !is_still() && sides_[1 - at].to_write.empty();
}

// Bytes that may pass now.
ByteCount FaultLink::allowance(std::size_t at) const {
  const ByteCount allowed = throttled_ ? kThrottledAtOnce : kAtOnce;
  if (!fault_ || (fault_->turn == Fault::Turn::client) != (at == 0)) return allowed;
  return std::min(allowed, fault_->after_bytes - std::min(sides_[at].turn_bytes, fault_->after_bytes));
}

void FaultLink::read_from(std::size_t at) {
  Side& side = sides_[at];
  Side& other = sides_[1 - at];
  char first;
  const ssize_t peeked = recv(side.fd.get(), &first, 1, MSG_PEEK | MSG_DONTWAIT);
  if (peeked < 0) {
    if (errno != EAGAIN && errno != EINTR) reset();
    return;
  }
  if (peeked == 0) {
    side.has_ended = true;
    return;
  }
  if (other.turn_bytes != 0) {
    other.turn_bytes = 0;
    side.turn_bytes = 0;
  }
  ByteCount allowed = allowance(at);
  if (allowed == 0) {
    happen();
    if (is_over_ || is_still() || drain_until_) return;
    allowed = allowance(at);
  }
  std::vector<char> bytes(std::max<ByteCount>(1, allowed));
  const ssize_t got = recv(side.fd.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (got <= 0) return;
  bytes.resize(static_cast<std::size_t>(got));
  side.turn_bytes += bytes.size();
  if (at == 0) source_.passed(bytes.size());
  other.to_write = std::move(bytes);
  if (throttled_) next_read_ = SteadyClock::now() + kThrottledInterval;
}

void FaultLink::write_to(std::size_t at) {
  Side& side = sides_[at];
  if (!side.to_write.empty()) {
    const ssize_t sent =
        send(side.fd.get(), side.to_write.data(), side.to_write.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) return reset();
    if (sent > 0) side.to_write.erase(side.to_write.begin(), side.to_write.begin() + sent);
  }
  if (side.to_write.empty() && sides_[1 - at].has_ended && !side.was_told_end) {
    shutdown(side.fd.get(), SHUT_WR);
    side.was_told_end = true;
  }
}

void FaultLink::happen() {
  const Fault fault = *fault_;
  fault_.reset();
  if (!source_.happens(fault.kind)) return;
  const auto now = SteadyClock::now();
  switch (fault.kind) {
    case Fault::Kind::refuse:
    case Fault::Kind::reset:
      return reset();
    case Fault::Kind::close:
      for (const Side& side : sides_) shutdown(side.fd.get(), SHUT_WR);
      drain_until_ = now + kDrainTime;
      return;
    case Fault::Kind::stall:
      resets_after_hold_ = true;
      break;
    case Fault::Kind::throttle:
      throttled_ = true;
      break;
    case Fault::Kind::pause:
      break;
  }
  held_until_ = now + fault.duration;
}

void FaultLink::end_hold() {
  held_until_.reset();
  throttled_ = false;
  if (resets_after_hold_) return reset();
  fault_ = source_.next();
}

// What still comes is read and dropped: a socket that is closed over unread bytes resets the connection.
void FaultLink::drain(SteadyClock::time_point now) {
  for (Side& side : sides_) {
    std::array<char, 16 * 1024> dropped;
    ssize_t got = 1;
    while (!side.is_gone && got > 0) {
      got = recv(side.fd.get(), dropped.data(), dropped.size(), MSG_DONTWAIT);
      if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) side.is_gone = true;
    }
  }
  is_over_ = (sides_[0].is_gone && sides_[1].is_gone) || now >= *drain_until_;
}

void FaultLink::reset() {
  const linger at_once{1, 0};
  for (const Side& side : sides_) {
    setsockopt(side.fd.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  is_over_ = true;
}

}  // namespace warmdump
