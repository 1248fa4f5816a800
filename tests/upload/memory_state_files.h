// StateFiles in memory, with what a power cut takes: contents that were not flushed, and names that were not.

#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "upload/queue/state_files.h"

namespace warmdump {

class MemoryStateFiles final : public StateFiles {
 public:
  Outcome<UniqueFd> lock() override {
    if (is_locked) return Failure(ErrorCode::busy, "locked");
    return UniqueFd();
  }
  Outcome<std::vector<std::string>> names() override {
    std::vector<std::string> found;
    for (const auto& [name, file] : seen_) {
      if (!name.starts_with('.')) found.push_back(name);
    }
    return found;
  }
  Outcome<std::optional<std::string>> read(const std::string& name, ByteCount size_max) override {
    const auto file = seen_.find(name);
    if (file == seen_.end()) return std::optional<std::string>();
    if (file->second->text.size() > size_max) return Failure(ErrorCode::no_space, name + " is too large");
    return std::optional(file->second->text);
  }
  Outcome<void> write(const std::string& name, std::string_view text) override {
    TRY(step());
    seen_[name] = std::make_shared<File>(File{std::string(text), ""});
    return {};
  }
  Outcome<void> flush(const std::string& name) override {
    TRY(step());
    seen_.at(name)->durable = seen_.at(name)->text;
    return {};
  }
  Outcome<void> rename(const std::string& from, const std::string& to) override {
    TRY(step());
    seen_[to] = seen_.at(from);
    seen_.erase(from);
    return {};
  }
  Outcome<void> remove(const std::string& name) override {
    TRY(step());
    seen_.erase(name);
    return {};
  }
  Outcome<void> flush_names() override {
    TRY(step());
    durable_ = seen_;
    return {};
  }

  // The worst that may be left: of what was not flushed, names come back as they were, contents are half
  // there.
  void cut_power() {
    seen_ = durable_;
    for (auto& [name, file] : seen_) {
      if (file->durable.empty()) file->durable = file->text.substr(0, file->text.size() / 2);
      file->text = file->durable;
    }
  }
  void put(const std::string& name, const std::string& text) {
    seen_[name] = durable_[name] = std::make_shared<File>(File{text, text});
  }
  std::string text_of(const std::string& name) const {
    const auto file = seen_.find(name);
    return file == seen_.end() ? "" : file->second->text;
  }

  std::function<Outcome<void>()> before_step;  // of every step that changes something
  bool is_locked = false;

 private:
  struct File {
    std::string text;
    std::string durable;
  };

  Outcome<void> step() { return before_step ? before_step() : Outcome<void>(); }

  std::map<std::string, std::shared_ptr<File>> seen_;
  std::map<std::string, std::shared_ptr<File>> durable_;
};

}  // namespace warmdump
