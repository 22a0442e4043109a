# Headers that most sources include are parsed once for the layers, the program and the tests: a third off the build. A
# file must still include what it uses; the dev preset builds without this.
set(common <algorithm> <filesystem> <functional> <map> <memory> <optional> <span> <string> <vector> <fmt/format.h>
  <nlohmann/json.hpp>)

# A precompiled header serves only sources that are compiled with the flags it was compiled with: the program and the
# tests have their own, and image and drawing, whose floating-point flags differ, have none.
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/precompiled.cpp CONTENT "")
add_library(e5v_precompiled OBJECT ${PROJECT_BINARY_DIR}/precompiled.cpp)
target_link_libraries(e5v_precompiled PRIVATE e5v_options fmt::fmt nlohmann_json::nlohmann_json)
target_precompile_headers(e5v_precompiled PRIVATE ${common})
get_property(layers GLOBAL PROPERTY E5V_LAYERS)
list(REMOVE_ITEM layers e5v_image e5v_drawing)
foreach(layer ${layers})
  target_precompile_headers(${layer} REUSE_FROM e5v_precompiled)
endforeach()

target_precompile_headers(e5v_app PRIVATE ${common} <CLI/CLI.hpp>)
set_source_files_properties(terminal.cpp TARGET_DIRECTORY e5v_app
  PROPERTIES SKIP_PRECOMPILE_HEADERS ON SKIP_UNITY_BUILD_INCLUSION ON)  # it uses next to nothing of them

if(E5V_TESTS)
  # The tests share two: one for the programs that are optimised, and one for those that are not.
  get_property(tests GLOBAL PROPERTY E5V_TEST_PROGRAMS)
  foreach(test ${tests})
    get_target_property(plain ${test} E5V_PLAIN)
    if(DEFINED first_${plain})
      target_precompile_headers(${test} REUSE_FROM ${first_${plain}})
    else()
      set(first_${plain} ${test})
      target_precompile_headers(${test} PRIVATE ${common} <gmock/gmock.h>)
    endif()
  endforeach()
endif()
