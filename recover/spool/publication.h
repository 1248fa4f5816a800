// Publication: a finished dump gets its name in the spool, and leaves behind that it has. Whoever comes later
// can then tell "published, and taken away by somebody since" from "never published", although the dump is in
// neither case to be seen: a dump that was sent and deleted is not saved a second time, and one that nobody
// has seen is not taken for saved.
//
// Two names beside that of the dump, both hidden and ending in -incomplete, so that nobody takes them for
// one: <saving> is `.<id>.saving-incomplete`, <saved> is `.<id>.saved-incomplete`. Each step is one change of
// the spool directory, all or nothing also when the power fails; the third changes two names at once.
//
//   killed after                              <saving>   <saved>    dump's name   next start
//   ---------------------------------------   --------   --------   ----------- -----------------------------
//   (before)                                  -          -          -             saves it anew
//   1. a note is written and flushed          -          note       -             saves it anew
//   2. <name>-incomplete renamed to <saving>  files      note       -             saves it anew
//   3. the two are exchanged                  note       files      -             saves it anew
//   4. <saved> renamed to the dump's name     note       -          files         finds it: finishes
//      ... which somebody sends and deletes   note       -          -             finishes: it was published
//   5. noted as taken, region `recovered`     note       -          any           finishes
//   6. forget_publication()                   -          -          any           finishes (region
//   `recovered`)
//
// A person who clears the spool of hidden files in the moment between costs the knowledge, not the dump: it
// is saved anew. On a file system that cannot exchange names the dump is renamed at once, and leaves no note.

#pragma once

#include <filesystem>
#include <string>

#include "common/hosted/failure.h"

namespace warmdump {

// `incomplete`, whose content is durable, becomes `target`, a name that nobody has; both in the locked
// `spool`. Durable on return. After a failure nothing but what is already `target` may be left of it.
// Errors: those of the file system; busy (`target` exists).
Outcome<void> publish_directory(const std::filesystem::path& spool, const std::string& dump_id,
                                const std::filesystem::path& incomplete, const std::filesystem::path& target);

// Whether publish_directory() has given the dump its name, and forget_publication() was not called since.
bool was_published(const std::filesystem::path& spool, const std::string& dump_id);

// Removes what is left of a publication, finished or not; durable on return. Best effort: a note that stays
// does no harm.
void forget_publication(const std::filesystem::path& spool, const std::string& dump_id);

}  // namespace warmdump
