#include "arm/boot_loader/options_file.h"

#include "arm/boot_loader/boot_words.h"

namespace warmdump {
namespace {

class OptionsFile : public BootLoader {
 public:
  OptionsFile(const MachineFiles& files, std::string path) : files_(files), path_(std::move(path)) {}

  std::string name() const override { return path_; }

  Outcome<std::string> admins_command_line() override {
    const auto text = TRY(text_of(files_, path_));
    return in_context(path_, with_our_words(text.value_or(""), {}));
  }

  Outcome<BootLoaderChange> change(const std::vector<std::string>& words) override {
    BootLoaderChange change;
    FileChange file = TRY(change_options_file(files_, path_, words));
    if (file.changes_anything()) change.files.push_back(std::move(file));
    return change;
  }

  Outcome<void> verify(const std::vector<std::string>&) override { return {}; }

  Outcome<std::vector<BootEntry>> next_entries() override {
    const auto text = TRY(text_of(files_, path_));
    if (!text) return std::vector<BootEntry>{};
    return std::vector<BootEntry>{{path_, *text}};
  }

 private:
  const MachineFiles& files_;
  std::string path_;
};

}  // namespace

std::unique_ptr<BootLoader> make_options_file(const MachineFiles& files, const std::string& path) {
  return std::make_unique<OptionsFile>(files, path);
}

Outcome<FileChange> change_options_file(const MachineFiles& files, const std::string& path,
                                        const std::vector<std::string>& words) {
  FileChange change{path, TRY(text_of(files, path)), std::nullopt};
  const std::string text = change.before.value_or("");
  const std::string admins = TRY(in_context(path, with_our_words(text, {})));
  change.after = TRY(in_context(path, with_our_words(text, words_missing(words, admins))));
  if (!change.before) *change.after += change.after->empty() ? "" : "\n";
  // A file that is nothing but our words is one we made: an admin's empty line has a blank in front of them.
  const bool made_by_us = text.starts_with(kWordsBegin) && *change.after == "\n";
  if (made_by_us || (!change.before && change.after->empty())) change.after.reset();
  return change;
}

}  // namespace warmdump
