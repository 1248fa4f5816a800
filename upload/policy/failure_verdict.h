// What a failure that outlived the retries of a run means: for the session, the dump, the sink.

#pragma once

#include "upload/transfer/send_failure.h"

namespace warmdump {

enum class Blame {
  sink,  // park it: nothing can be sent there until somebody changes something; dumps stay as they are
  rest,  // the sink or the way to it is not well: the dump, and when the budget is spent the run, wait
  dump,  // this dump alone: it waits, others go on
  dead,  // this dump alone: this destination never takes it
};

struct Verdict {
  Blame blame = Blame::dump;
  bool keeps_session = true;  // there may be something on the server to go on from
};

// Bytes that arrive damaged again and again are blamed on the dump, not taken for its death: a machine in the
// middle that damages them may be replaced, and its error text stays as evidence.
Verdict verdict_of(const SendFailure& failure);

}  // namespace warmdump
