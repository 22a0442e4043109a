# e5v_find_driver(variable): whether an NVIDIA driver answers on this machine and shows a GPU. It is asked as the program
# asks it later: libcuda.so.1 is opened by the loader's paths. That the file exists says less: the toolkit has stubs of it,
# and images of containers have it where no GPU is passed in.
function(e5v_find_driver variable)
  set(${variable} OFF PARENT_SCOPE)
  if(CMAKE_CROSSCOMPILING)
    return()
  endif()
  file(WRITE ${CMAKE_BINARY_DIR}/CMakeFiles/find_driver.cpp "
#include <dlfcn.h>
int main() {
  void* library = dlopen(\"libcuda.so.1\", RTLD_NOW);
  auto* init = library ? reinterpret_cast<int (*)(unsigned)>(dlsym(library, \"cuInit\")) : nullptr;
  return init && init(0) == 0 ? 0 : 1;
}
")
  unset(E5V_DRIVER_STATUS CACHE)  # asked again each time: a GPU may have come
  try_run(E5V_DRIVER_STATUS E5V_DRIVER_ASKED ${CMAKE_BINARY_DIR}/CMakeFiles ${CMAKE_BINARY_DIR}/CMakeFiles/find_driver.cpp
    LINK_LIBRARIES ${CMAKE_DL_LIBS})
  if(E5V_DRIVER_ASKED AND E5V_DRIVER_STATUS EQUAL 0)
    set(${variable} ON PARENT_SCOPE)
  endif()
endfunction()
