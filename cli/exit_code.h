// Exit codes of the `warmdump` command, the same for every subcommand; listed in the man page.

#pragma once

namespace warmdump {

enum ExitCode : int {
  kExitOk = 0,           // done, or nothing to do
  kExitFailure = 1,      // failed; the message says what to do
  kExitUsage = 2,        // command line or configuration is wrong
  kExitIncomplete = 3,   // done, but the dump is partial or could not be verified
  kExitBusy = 4,         // somebody else holds the region or the spool
  kExitUnsupported = 5,  // this kernel or machine cannot do it
  kExitTemporary = 75,   // try again later (EX_TEMPFAIL)
};

}  // namespace warmdump
