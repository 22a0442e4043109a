# One target per folder of src/. A layer sees only the layers it names: each exposes an include folder of its own that
# holds a single link to its sources, so that `#include "model/llama.h"` in a layer that does not name model fails.

# What every target of ours is compiled with.
add_library(e5v_options INTERFACE)
target_compile_options(e5v_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(e5v_options INTERFACE -Wno-restrict)  # GCC bug 105651: false alarms on string + string
endif()
if(E5V_SANITIZE)
  target_compile_options(e5v_options INTERFACE -fsanitize=${E5V_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(e5v_options INTERFACE -fsanitize=${E5V_SANITIZE})
  if(E5V_SANITIZE MATCHES undefined)
    target_compile_options(e5v_options INTERFACE -fno-sanitize-recover=undefined)
  endif()
endif()
target_link_libraries(e5v_options INTERFACE OpenMP::OpenMP_CXX)

# e5v_layer(name SOURCES file... [LAYERS layer...] [LIBRARIES target...] [PRIVATE_LIBRARIES target...])
function(e5v_layer name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LAYERS;LIBRARIES;PRIVATE_LIBRARIES" ${ARGN})
  set(root ${CMAKE_BINARY_DIR}/layers/${name})
  file(MAKE_DIRECTORY ${root})
  file(CREATE_LINK ${CMAKE_SOURCE_DIR}/src/${name} ${root}/${name} SYMBOLIC)
  list(TRANSFORM ARG_SOURCES PREPEND ${CMAKE_SOURCE_DIR}/src/${name}/)
  add_library(e5v_${name} STATIC ${ARG_SOURCES})
  target_include_directories(e5v_${name} PUBLIC ${root} ${CMAKE_SOURCE_DIR}/include)
  list(TRANSFORM ARG_LAYERS PREPEND e5v_)
  target_link_libraries(e5v_${name} PUBLIC ${ARG_LAYERS} ${ARG_LIBRARIES} e5v_options PRIVATE ${ARG_PRIVATE_LIBRARIES})
  set_target_properties(e5v_${name} PROPERTIES E5V_SEES "${ARG_LAYERS}")
  set_property(GLOBAL APPEND PROPERTY E5V_LAYERS e5v_${name})
endfunction()

# e5v_exact_floats(layer): a fused multiply-add would change last bits of what must be PIL's and Python's: resize
# weights, grid arithmetic, places of glyphs.
function(e5v_exact_floats layer)
  target_compile_options(e5v_${layer} PRIVATE -ffp-contract=off)
endfunction()

# e5v_reached(variable target...): the layers that these layers reach, themselves included.
function(e5v_reached variable)
  set(reached)
  set(open ${ARGN})
  while(open)
    list(POP_FRONT open layer)
    list(PREPEND reached ${layer})
    get_target_property(seen ${layer} E5V_SEES)
    list(APPEND open ${seen})
  endwhile()
  list(REMOVE_DUPLICATES reached)
  set(${variable} ${reached} PARENT_SCOPE)
endfunction()
