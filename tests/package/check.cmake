# Installs as a user does: `make install` where only the program was built. Then the project that README shows is configured,
# built and run against the installation, and so is main.cpp beside this file, whose output must be the reference's vectors
# (expected.txt, from tests/golden/embed, none of them near a rounding edge). Called by ctest with BUILD, SOURCE, GENERATOR,
# COMPILER, VERSION, and the files of PROGRAM and LIBRARY.
set(work ${BUILD}/package-test)
set(input ${SOURCE}/tests/golden/ckpt/tiny-small-f32 "A dog sitting in the grass."
  ${SOURCE}/tests/golden/images/img05_gray_337x500.png)
file(REMOVE_RECURSE ${work})
file(READ ${SOURCE}/README.md readme)

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${ARGN}\nended with ${status}:\n${output}")
  endif()
  set(output ${output} PARENT_SCOPE)
endfunction()

# Writes what README has after a sentence, in a block of that language.
function(write_block sentence language file)
  string(FIND "${readme}" "${sentence}\n\n```${language}\n" begin)
  if(begin EQUAL -1)
    message(FATAL_ERROR "README has no block of ${language} after \"${sentence}\"")
  endif()
  string(LENGTH "${sentence}\n\n```${language}\n" length)
  math(EXPR begin "${begin} + ${length}")
  string(SUBSTRING "${readme}" ${begin} -1 rest)
  string(FIND "${rest}" "\n```\n" end)
  math(EXPR end "${end} + 1")
  string(SUBSTRING "${rest}" 0 ${end} block)
  file(WRITE ${file} "${block}")
endfunction()

# Configures and builds a project in a folder and runs its app.
function(run_project folder)
  run(${CMAKE_COMMAND} -S ${folder} -B ${folder}/build -G ${GENERATOR} -DCMAKE_CXX_COMPILER=${COMPILER}
    -DCMAKE_PREFIX_PATH=${work}/prefix)
  run(${CMAKE_COMMAND} --build ${folder}/build)
  run(${folder}/build/app ${input})
  set(output ${output} PARENT_SCOPE)
endfunction()

function(expect expected)
  if(NOT output STREQUAL expected)
    message(FATAL_ERROR "expected\n${expected}found\n${output}")
  endif()
endfunction()

# What the build leaves of the library is what `make build` leaves of it: nothing.
file(GLOB libraries ${LIBRARY}*)
file(REMOVE ${libraries})
run(make -C ${SOURCE} --no-print-directory install BUILD=${BUILD} PREFIX=${work}/prefix)
get_filename_component(name ${PROGRAM} NAME)
run(${work}/prefix/bin/${name} --version)
expect("e5v ${VERSION}\n")

write_block("This is a complete program, `main.cpp`:" cpp ${work}/readme/main.cpp)
write_block("This is its `CMakeLists.txt`:" cmake ${work}/readme/CMakeLists.txt)
run_project(${work}/readme)
file(READ ${SOURCE}/tests/package/expected.txt expected)
string(REGEX MATCH "cosine ([-.0-9]+\n)" ignored "${expected}")
expect("${CMAKE_MATCH_1}")

file(COPY ${SOURCE}/tests/package/main.cpp ${work}/readme/CMakeLists.txt DESTINATION ${work}/vectors)
run_project(${work}/vectors)
expect("${expected}")

# Nothing but e5v's own interface leaves the library.
file(GLOB library ${work}/prefix/lib*/libe5v.so ${work}/prefix/lib*/*/libe5v.so)
execute_process(COMMAND nm -DC --defined-only ${library} OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
string(REGEX REPLACE "\n$" "" symbols "${symbols}")
string(REPLACE "\n" ";" symbols "${symbols}")
list(FILTER symbols EXCLUDE REGEX "^[0-9a-f]+ [A-Z] (typeinfo for |typeinfo name for |vtable for )?e5v::(Embedder|Embeddings|Submission|Fingerprint|Error|InvalidInput|ModelError|DeviceError|Overloaded|DeadlineExceeded|Cancelled)")
if(symbols)
  message(FATAL_ERROR "the library exports more than its interface: ${symbols}")
endif()

# Whoever embeds needs nothing of what draws captions, fits classifiers or trains: not of the library itself, nor of what
# its own libraries load.
foreach(file ${library} ${work}/readme/build/app)
  execute_process(COMMAND ldd ${file} OUTPUT_VARIABLE needed COMMAND_ERROR_IS_FATAL ANY)
  if(needed MATCHES "(lib(freetype|raqm|harfbuzz|fribidi|lbfgs|mpi|cuda|cublas)[^ \n]*|[^ \n]+ => not found)")
    message(FATAL_ERROR "${file} needs ${CMAKE_MATCH_1}:\n${needed}")
  endif()
  if(NOT needed MATCHES "libdnnl")  # what it does need, so that the look above sees something
    message(FATAL_ERROR "${file} is expected to need libdnnl:\n${needed}")
  endif()
endforeach()
execute_process(COMMAND nm -C ${library} OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
if(symbols MATCHES "e5v::(train|quantize|eval|drawing|report)::")
  message(FATAL_ERROR "${library} holds code of the layer ${CMAKE_MATCH_1}, which does not embed")
endif()

include(${SOURCE}/tests/package/examples.cmake)
