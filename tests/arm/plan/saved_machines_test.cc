// Every machine of tests/arm/machines is planned as its file `expected.json` says, and as the judge allows.

#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "arm/machine/saved_machine.h"
#include "arm/plan/plan_json.h"
#include "common/hosted/whole_file.h"
#include "tests/arm/plan/plan_judge.h"
#include "tests/support/temporary_directory.h"

namespace warmdump {
namespace {

using testing::IsEmpty;

std::vector<std::string> machine_names() {
  std::vector<std::string> names;
  for (const std::string& name : MachineFiles(WARMDUMP_TEST_MACHINES).names_in("")) {
    if (std::filesystem::is_directory(WARMDUMP_TEST_MACHINES "/" + name)) names.push_back(name);
  }
  return names;
}

// Without the command lines: what else stands on them is not the planner's.
std::string comparable(const RegionPlan& plan) {
  auto document = nlohmann::ordered_json::parse(plan_json(plan));
  document.erase("running_command_line");
  document.erase("crash_command_line");
  return document.dump(2) + "\n";
}

class SavedMachine : public testing::TestWithParam<std::string> {
 protected:
  std::string folder() const { return WARMDUMP_TEST_MACHINES "/" + GetParam(); }

  Machine read() const {
    auto machine = read_machine(MachineFiles(folder()));
    EXPECT_TRUE(machine.has_value()) << machine.error().message;
    return std::move(*machine);
  }
};

TEST_P(SavedMachine, is_planned_as_expected) {
  const Machine machine = read();
  const auto plan = plan_region({machine, {}});
  ASSERT_TRUE(plan.has_value()) << plan.error().message;
  const std::string path = folder() + "/expected.json";
  if (std::getenv("WARMDUMP_WRITE_EXPECTED") != nullptr) {
    ASSERT_TRUE(write_whole_file(path, comparable(*plan)).has_value());
  }
  const auto expected = read_whole_file(path, kMiB);
  ASSERT_TRUE(expected.has_value()) << expected.error().message;
  EXPECT_EQ(comparable(*plan), *expected);
}

TEST_P(SavedMachine, passes_the_judge_at_every_size) {
  const Machine machine = read();
  for (const std::optional<ByteCount> size :
       {std::optional<ByteCount>(), std::optional(kMiB), std::optional(130 * kMiB), std::optional(512 * kMiB),
        std::optional(kGiB), std::optional(3 * kGiB), std::optional(20 * kGiB)}) {
    const auto plan = plan_region({machine, size});
    EXPECT_THAT(objections_to_plan(machine, size, plan), IsEmpty()) << size.value_or(0);
  }
}

TEST_P(SavedMachine, planned_again_with_its_region_keeps_it) {
  Machine machine = read();
  const auto plan = plan_region({machine, {}});
  ASSERT_TRUE(plan.has_value());
  if (plan->active) return;
  // As /proc/iomem is after a boot with the plan.
  MemoryMap booted;
  for (const MapEntry& entry : machine.map.entries) {
    if (entry.depth != 0 || !entry.range.contains(plan->region)) {
      booted.entries.push_back(entry);
      continue;
    }
    const AddressRange& region = plan->region;
    booted.entries.push_back({{entry.range.start, region.start - entry.range.start}, 0, entry.name});
    booted.entries.push_back({region, 0, std::string(kPersistentMemoryName)});
    booted.entries.push_back({{region.end(), entry.range.end() - region.end()}, 0, entry.name});
  }
  machine.map = booted;
  const auto again = plan_region({machine, {}});
  ASSERT_TRUE(again.has_value()) << again.error().message;
  EXPECT_TRUE(again->active) << testing::PrintToString(again->warnings);
  EXPECT_EQ(again->region, plan->region);
  EXPECT_EQ(again->ram_size, plan->ram_size);
}

TEST_P(SavedMachine, saved_once_more_it_has_the_same_plan) {
  const MachineFiles files(folder());
  if (!files.exists("/proc/iomem")) return;  // saved by hand, so nothing is where it would be copied from
  const test::TemporaryDirectory temporary;
  const std::string copy = temporary.file("copy");
  const auto saved = save_machine(files, copy);
  ASSERT_TRUE(saved.has_value()) << saved.error().message;
  const auto machine = read_machine(MachineFiles(copy));
  ASSERT_TRUE(machine.has_value()) << machine.error().message;
  const auto plan = plan_region({read(), {}});
  const auto again = plan_region({std::move(*machine), {}});
  ASSERT_TRUE(plan.has_value() && again.has_value());
  EXPECT_EQ(plan_json(*again), plan_json(*plan));
}

INSTANTIATE_TEST_SUITE_P(Machines, SavedMachine, testing::ValuesIn(machine_names()), [](const auto& chosen) {
  std::string name = chosen.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

}  // namespace
}  // namespace warmdump
