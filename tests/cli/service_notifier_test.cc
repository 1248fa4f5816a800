// What a service manager hears: by a real datagram socket, named and abstract.

#include "cli/service_notifier.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <vector>

#include "tests/support/temporary_directory.h"

namespace warmdump {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using namespace std::chrono_literals;

class Manager {
 public:
  explicit Manager(const std::string& name)
      : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name.front() == '@') address.sun_path[0] = '\0';
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), length), 0) << name;
  }

  std::vector<std::string> heard() const {
    std::vector<std::string> messages;
    std::array<char, 1024> text;
    for (ssize_t got; (got = ::recv(socket_.get(), text.data(), text.size(), 0)) >= 0;) {
      messages.emplace_back(text.data(), static_cast<std::size_t>(got));
    }
    return messages;
  }

 private:
  UniqueFd socket_;
};

TEST(ServiceNotifier, a_manager_hears_of_readiness_status_and_end) {
  const test::TemporaryDirectory directory;
  for (const std::string& name :
       {directory.file("notify"), fmt::format("@warmdump-notifier-test-{}", ::getpid())}) {
    const Manager manager(name);
    ServiceNotifier notifier(name, 0us);
    notifier.ready();
    notifier.status("two\nlines");
    notifier.alive();
    notifier.stopping();
    EXPECT_THAT(manager.heard(), ElementsAre("READY=1", "STATUS=two lines", "STOPPING=1")) << name;
  }
}

TEST(ServiceNotifier, the_watchdog_is_fed_and_not_more_often_than_needed) {
  const test::TemporaryDirectory directory;
  const Manager manager(directory.file("notify"));
  ServiceNotifier notifier(directory.file("notify"), std::chrono::hours(3));
  EXPECT_EQ(notifier.alive_interval(), std::chrono::hours(1));
  for (int i = 0; i < 1000; ++i) notifier.alive();
  EXPECT_THAT(manager.heard(), ElementsAre("WATCHDOG=1"));
}

TEST(ServiceNotifier, a_status_may_be_held_back_when_one_was_just_sent) {
  const test::TemporaryDirectory directory;
  const Manager manager(directory.file("notify"));
  ServiceNotifier notifier(directory.file("notify"), 0us);
  notifier.status("first");
  for (int i = 0; i < 100; ++i) notifier.status("more", false);
  EXPECT_THAT(manager.heard(), testing::Contains("STATUS=first"));
  notifier.status("last");
  EXPECT_EQ(manager.heard().size(), 1U);
}

TEST(ServiceNotifier, nobody_needs_to_listen) {
  const test::TemporaryDirectory directory;
  for (const std::string& name : {std::string(), std::string("relative"), directory.file("nobody"),
                                  "/" + std::string(300, 'x'), std::string("@")}) {
    ServiceNotifier notifier(name, 1s);
    notifier.ready();
    notifier.status("text");
    notifier.alive();
    notifier.stopping();
  }
  auto manager = std::make_unique<Manager>(directory.file("notify"));
  ServiceNotifier notifier(directory.file("notify"), 0us);
  manager.reset();
  notifier.ready();
}

}  // namespace
}  // namespace warmdump
