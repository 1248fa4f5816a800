// RecoverEvents: how recovery tells what it is doing. Libraries speak through it, cli/ prints.

#pragma once

#include <string>

#include "common/units.h"

namespace warmdump {

class RecoverEvents {
 public:
  virtual ~RecoverEvents() = default;

  // One finished fact or begun step, a line without full stop.
  virtual void step(const std::string& text) = 0;

  // Long work: `what` is a literal like "extracting"; done == total ends it.
  virtual void progress(const char* what, ByteCount done, ByteCount total) = 0;
};

}  // namespace warmdump
