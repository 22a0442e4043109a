# The shared library of the layers that embed, and what `cmake --install` puts where. Another project then writes
#   find_package(e5v REQUIRED)
#   target_link_libraries(app PRIVATE e5v::e5v)
# and needs no other header than those of include/e5v.
include(CMakePackageConfigHelpers)

# The library is what the public headers need, and no more: whoever links it gets neither trainer nor rendered captions, nor
# the libraries behind these (tests/package looks).
e5v_reached(layers e5v_api)
set(layer_objects ${layers})
list(TRANSFORM layer_objects REPLACE "(.+)" "$<TARGET_OBJECTS:\\1>")
# Not "e5v": that is the program's file, which tools that build by the names of files would take the target for.
add_library(e5v_shared SHARED ${layer_objects})
add_library(e5v::e5v ALIAS e5v_shared)
set_target_properties(e5v_shared PROPERTIES
  OUTPUT_NAME e5v
  EXPORT_NAME e5v
  LINKER_LANGUAGE CXX
  VERSION ${PROJECT_VERSION}
  SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}  # before 1.0 a minor version may change the interface
  LINK_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/exports.map)
target_compile_features(e5v_shared INTERFACE cxx_std_20)
target_include_directories(e5v_shared INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
# The layers bring the libraries behind them; their archives add nothing to the objects that are in already.
target_link_libraries(e5v_shared PRIVATE ${layers})
target_link_options(e5v_shared PRIVATE -Wl,--version-script=${CMAKE_CURRENT_LIST_DIR}/exports.map)

set_target_properties(e5v_shared PROPERTIES INSTALL_RPATH "$ORIGIN/e5v")
install(TARGETS e5v_shared EXPORT e5vTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
get_property(image_modules GLOBAL PROPERTY E5V_IMAGE_MODULES)
foreach(module e5v_mpi e5v_cuda e5v_exiv2 ${image_modules})
  if(TARGET ${module})
    install(TARGETS ${module} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/e5v)
  endif()
endforeach()
if(TARGET e5v_program)
  file(RELATIVE_PATH modules ${CMAKE_INSTALL_FULL_BINDIR} ${CMAKE_INSTALL_FULL_LIBDIR}/e5v)
  set_target_properties(e5v_program PROPERTIES INSTALL_RPATH "$ORIGIN/${modules}")
  install(TARGETS e5v_program RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/e5v DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE ${PROJECT_SOURCE_DIR}/NOTICE DESTINATION ${CMAKE_INSTALL_DOCDIR})

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/e5v)
install(EXPORT e5vTargets FILE e5vTargets.cmake NAMESPACE e5v:: DESTINATION ${package_dir})
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/e5vConfig.cmake.in ${PROJECT_BINARY_DIR}/e5vConfig.cmake
  INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/e5vConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/e5vConfig.cmake ${PROJECT_BINARY_DIR}/e5vConfigVersion.cmake DESTINATION ${package_dir})

# A project outside the tree installs, finds, links and runs it. Sanitizers would have to be linked by that project too.
if(E5V_TESTS AND NOT E5V_SANITIZE)
  add_test(NAME package
    COMMAND ${CMAKE_COMMAND} -DBUILD=${PROJECT_BINARY_DIR} -DSOURCE=${PROJECT_SOURCE_DIR} -DGENERATOR=${CMAKE_GENERATOR}
      -DCOMPILER=${CMAKE_CXX_COMPILER} -DVERSION=${PROJECT_VERSION} -DPROGRAM=$<TARGET_FILE:e5v_program> -DLIBRARY=$<TARGET_FILE:e5v_shared> -P ${PROJECT_SOURCE_DIR}/tests/package/check.cmake)
endif()
