#include "upload/policy/failure_verdict.h"

namespace warmdump {

Verdict verdict_of(const SendFailure& failure) {
  switch (failure.remedy) {
    case Remedy::wait:
    case Remedy::set_time:
      return {Blame::rest, true};
    case Remedy::change_sink:
      return {Blame::sink, true};
    case Remedy::give_dump_up:
      return {Blame::dead, false};
    case Remedy::read_again:
      return {Blame::dump, true};
    case Remedy::begin_again:
      return {Blame::dump, false};
    case Remedy::change_source:
      return {Blame::dump, failure.failure.code != ErrorCode::corrupt};
  }
  return {};
}

}  // namespace warmdump
