#pragma once
#include <memory>
#include <string>

#include "processes/transport.h"

namespace e5v::processes {

/// What the environment says of how this process was started.
struct Launch {
  int index = 0;  ///< of this process
  int size = 1;   ///< processes that mpirun, or srun with PMI, has started; 1 without them
};

/// Looks at the variables of Open MPI (OMPI_COMM_WORLD_*), of MPICH and its relatives (PMI_*), and of PMIx under Slurm
/// (PMIX_RANK, SLURM_STEP_NUM_TASKS). Costs nothing and starts nothing. What makes no sense there counts as absent.
Launch launch();

/// Starts the engine. Throws DeviceError when this build has none or its module cannot be loaded.
std::unique_ptr<Transport> open_transport();

/// The same from a module by name, as the dynamic linker finds it.
std::unique_ptr<Transport> open_transport(const std::string& module);

}  // namespace e5v::processes
