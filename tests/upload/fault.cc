#include "tests/upload/fault.h"

#include <algorithm>
#include <array>

namespace warmdump {
namespace {

constexpr ByteCount kHeaderBytes = 800;  // of a request; its phase is as likely as the whole body's
constexpr ByteCount kAnswerBytes = 300;

ByteCount draw(std::mt19937_64& random, ByteCount least, ByteCount most) {
  return std::uniform_int_distribution<ByteCount>(least, most)(random);
}

}  // namespace

const char* fault_name(Fault::Kind kind) {
  static constexpr std::array kNames = {"refuse", "close", "reset", "stall", "pause", "throttle"};
  return kNames.at(static_cast<std::size_t>(kind));
}

Fault draw_fault(std::mt19937_64& random, const FaultBounds& bounds) {
  constexpr std::array kKinds = {Fault::Kind::refuse, Fault::Kind::close, Fault::Kind::reset,
                                 Fault::Kind::stall,  Fault::Kind::pause, Fault::Kind::throttle};
  Fault fault;
  fault.kind = kKinds.at(draw(random, 0, kKinds.size() - 1));
  if (fault.kind == Fault::Kind::refuse) return fault;
  fault.duration = std::chrono::milliseconds(
      draw(random, 1, static_cast<ByteCount>(std::max<std::int64_t>(1, bounds.duration_max.count()))));
  switch (draw(random, 0, 3)) {
    case 0:
      fault.after_bytes = draw(random, 0, kHeaderBytes);
      break;
    case 1:
      fault.after_bytes = draw(random, kHeaderBytes, std::max(kHeaderBytes, bounds.body_bytes));
      break;
    case 2:
      fault.turn = Fault::Turn::server;
      break;
    default:
      fault.turn = Fault::Turn::server;
      fault.after_bytes = draw(random, 1, kAnswerBytes);
  }
  return fault;
}

}  // namespace warmdump
