// Fault: what can happen to a connection on its way, and when.
//
// A turn is what one side sends until the other answers. So a fault "after 0 bytes of the server's turn"
// loses an answer, "after 300 bytes of the client's" cuts a request's header, further ones its body. Nothing
// here knows HTTP or TLS, and it works with both.

#pragma once

#include <chrono>
#include <random>

#include "common/units.h"

namespace warmdump {

struct Fault {
  enum class Kind {
    refuse,    // the connection ends when it has been accepted
    close,     // FIN to both sides
    reset,     // RST to both sides
    stall,     // nothing moves for a while, then RST
    pause,     // nothing moves for a while, then all goes on
    throttle,  // a few KiB at a time, for a while
  };
  enum class Turn { client, server };

  Kind kind = Kind::close;
  Turn turn = Turn::client;
  ByteCount after_bytes = 0;  // of one turn, which pass before it happens
  std::chrono::milliseconds duration{0};
};

const char* fault_name(Fault::Kind kind);

struct FaultBounds {
  ByteCount body_bytes = 8 * kMiB;              // faults happen up to here in a client's turn
  std::chrono::milliseconds duration_max{300};  // of stall, pause, throttle
};

// The next fault, each kind and phase as likely as the others; pure but for `random`.
Fault draw_fault(std::mt19937_64& random, const FaultBounds& bounds);

}  // namespace warmdump
