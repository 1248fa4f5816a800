// Landlock: a border around one directory that needs no privilege. Beside a chroot it is a second wall; for a
// user who is not root it is the only one.

#pragma once

#include <filesystem>

#include "common/hosted/failure.h"

namespace warmdump {

// From now on this process opens, makes and removes files in `directory` only, and makes plain files and
// directories only; in none, where `directory` is empty. Files that are open stay open. Needs no_new_privs.
// Errors: unsupported (a kernel before 5.13, or with Landlock off), io.
Outcome<void> stay_within(const std::filesystem::path& directory);

}  // namespace warmdump
