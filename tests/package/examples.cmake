# The examples, built as a project of their own against the installation in ${work}/prefix, do what their heads say.
set(examples ${work}/examples)
file(COPY ${SOURCE}/examples/ DESTINATION ${examples})
run(${CMAKE_COMMAND} -S ${examples} -B ${examples}/build -G ${GENERATOR} -DCMAKE_CXX_COMPILER=${COMPILER}
  -DCMAKE_PREFIX_PATH=${work}/prefix)
run(${CMAKE_COMMAND} --build ${examples}/build)

function(expect_match pattern)
  if(NOT output MATCHES "${pattern}")
    message(FATAL_ERROR "expected a match of\n${pattern}\nfound\n${output}")
  endif()
endfunction()

run(${examples}/build/embed ${input})
expect_match("^e5v ${VERSION}, 128 numbers a vector\n 1\\.0000 0\\.2[0-9]+  A dog sitting in the grass\\.\n 0\\.2[0-9]+ 1\\.0000  ")

# Words find their drawing among three, and a file that is no image is left out by name.
set(gallery ${SOURCE}/demo/gallery)
file(COPY ${gallery}/fluent-1f693.jpg ${gallery}/twemoji-1f3bb.jpg ${gallery}/twemoji-1f622.jpg DESTINATION ${work}/images)
file(WRITE ${work}/images/broken.jpg "no image")
run(${examples}/build/search ${SOURCE}/demo/model ${work}/images "police car" "violin")
expect_match("search: left out: [^\n]*broken\\.jpg")
expect_match("police car\n  0\\.[0-9]+  fluent-1f693\\.jpg\n")
expect_match("violin\n  0\\.[0-9]+  twemoji-1f3bb\\.jpg\n")

get_filename_component(name ${PROGRAM} NAME)
run(${examples}/train.sh ${work}/prefix/bin/${name} ${SOURCE}/tests/golden/ckpt/tiny-small-f32 ${work}/trained)
expect_match("merged is a checkpoint like any other")
