# Installs the build in BUILD, then configures, builds and runs the project beside this file against the installation, and
# compares what it prints with the reference's vectors (expected.txt, from tests/golden/embed, none of them near a rounding
# edge). Called by ctest with BUILD, SOURCE, GENERATOR and COMPILER.
set(work ${BUILD}/package-test)
file(REMOVE_RECURSE ${work})

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${ARGN}\nended with ${status}:\n${output}")
  endif()
  set(output ${output} PARENT_SCOPE)
endfunction()

run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${work}/prefix)
run(${CMAKE_COMMAND} -S ${SOURCE}/tests/package -B ${work}/build -G ${GENERATOR} -DCMAKE_CXX_COMPILER=${COMPILER}
  -DCMAKE_PREFIX_PATH=${work}/prefix)
run(${CMAKE_COMMAND} --build ${work}/build)
run(${work}/build/embed ${SOURCE}/tests/golden/ckpt/tiny-small-f32 "A dog sitting in the grass."
  ${SOURCE}/tests/golden/images/img05_gray_337x500.png)

file(READ ${SOURCE}/tests/package/expected.txt expected)
if(NOT output STREQUAL expected)
  message(FATAL_ERROR "expected\n${expected}found\n${output}")
endif()

# Nothing but e5v's own interface leaves the library.
file(GLOB library ${work}/prefix/lib*/libe5v.so ${work}/prefix/lib*/*/libe5v.so)
execute_process(COMMAND nm -DC --defined-only ${library} OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
string(REGEX REPLACE "\n$" "" symbols "${symbols}")
string(REPLACE "\n" ";" symbols "${symbols}")
list(FILTER symbols EXCLUDE REGEX "^[0-9a-f]+ [A-Z] (typeinfo for |typeinfo name for |vtable for )?e5v::(Embedder|Fingerprint|Error|InvalidInput|ModelError|DeviceError|Overloaded)")
if(symbols)
  message(FATAL_ERROR "the library exports more than its interface: ${symbols}")
endif()
