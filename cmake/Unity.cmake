# The sources of a layer, or of its tests, are compiled as one, which saves half of the build: most of a source's
# time goes into headers and into templates that its neighbours need, too. The largest takes 2 GB of memory. So names in
# anonymous namespaces are chosen once per layer, and once per test program. The dev preset compiles each source by itself,
# so that includes stay honest.
option(E5V_UNITY "Compile all sources of a layer, or of a test program, as one" ON)
if(E5V_UNITY)
  get_property(layers GLOBAL PROPERTY E5V_LAYERS)
  set(together ${layers} e5v_app)
  if(TARGET bench_summary)
    list(APPEND together bench_summary)
  endif()
  set_target_properties(${together} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 0)
  get_property(tests GLOBAL PROPERTY E5V_TEST_PROGRAMS)
  if(tests)
    set_target_properties(${tests} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 0)
  endif()
endif()
