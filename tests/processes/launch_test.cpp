#include "processes/launch.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <map>
#include <string>

#include "base/error.h"
#include "processes/group.h"

namespace e5v::processes {
namespace {

using Variables = std::map<std::string, std::string>;

/// The launchers' variables for one test: those given, and no other.
class Environment {
 public:
  explicit Environment(const Variables& variables) {
    clear();
    for (const auto& [name, value] : variables) ::setenv(name.c_str(), value.c_str(), 1);
  }
  ~Environment() { clear(); }

 private:
  static void clear() {
    for (const char* name : {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "PMI_RANK", "PMI_SIZE", "PMIX_RANK",
                             "SLURM_STEP_NUM_TASKS", "SLURM_NTASKS", "SLURM_PROCID"}) {
      ::unsetenv(name);
    }
  }
};

TEST(Launch, TheEnvironmentTells) {
  struct Case {
    Variables variables;
    int process, size;
  };
  const Case cases[] = {
      {{}, 0, 1},
      {{{"OMPI_COMM_WORLD_RANK", "2"}, {"OMPI_COMM_WORLD_SIZE", "3"}}, 2, 3},
      {{{"OMPI_COMM_WORLD_RANK", "0"}, {"OMPI_COMM_WORLD_SIZE", "1"}}, 0, 1},
      {{{"PMI_RANK", "1"}, {"PMI_SIZE", "8"}}, 1, 8},
      {{{"PMIX_RANK", "3"}, {"SLURM_STEP_NUM_TASKS", "4"}}, 3, 4},
      // A batch script of Slurm, which starts one process by hand.
      {{{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "4"}}, 0, 1},
      {{{"OMPI_COMM_WORLD_SIZE", "3"}}, 0, 1},
      {{{"OMPI_COMM_WORLD_RANK", "3"}, {"OMPI_COMM_WORLD_SIZE", "3"}}, 0, 1},
      {{{"OMPI_COMM_WORLD_RANK", "-1"}, {"OMPI_COMM_WORLD_SIZE", "3"}}, 0, 1},
      {{{"PMI_RANK", "1x"}, {"PMI_SIZE", "2"}}, 0, 1},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(testing::PrintToString(c.variables));
    const Environment environment(c.variables);
    EXPECT_EQ(launch().index, c.process);
    EXPECT_EQ(launch().size, c.size);
  }
}

TEST(Launch, AMissingModuleIsNamed) {
  const Environment environment({{"OMPI_COMM_WORLD_RANK", "1"}, {"OMPI_COMM_WORLD_SIZE", "3"}});
  const auto message_of = [](const std::string& module) -> std::string {
    try {
      open_transport(module);
    } catch (const DeviceError& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_THAT(message_of("no_such_module.so"), testing::HasSubstr("[mpi] started as 3 processes"));
  EXPECT_THAT(message_of("no_such_module.so"), testing::HasSubstr("no_such_module.so"));
  EXPECT_EQ(message_of("libm.so.6"), "[mpi] libm.so.6 is no module of e5v");
}

TEST(Launch, AProcessAloneNeverStartsAnEngine) {
  const Environment environment({{"OMPI_COMM_WORLD_RANK", "0"}, {"OMPI_COMM_WORLD_SIZE", "1"}});
  const Group first = Group::join(), second = Group::join();
  EXPECT_EQ(first.size(), 1);
  EXPECT_TRUE(second.leads());
}

}  // namespace
}  // namespace e5v::processes
