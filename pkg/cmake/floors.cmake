# floor(FOLDER libraries...)   the library of one folder, linked to what pkg/FLOORS allows, and its unit tests
# product(NAME main.cc)        the binary
# helper_program(NAME main.cc FOLDER...)  a program that tests start, linked to these floors
# suite(FOLDER)                a test binary of what crosses folders; may use every floor
#
# Sources are globbed: a file belongs to its folder. *_test.cc are the folder's unit tests, built into one binary that
# stands in ${CMAKE_BINARY_DIR}/tests. Precompiled headers: one set for code, one with GoogleTest on top for tests.

file(STRINGS ${CMAKE_SOURCE_DIR}/pkg/FLOORS floor_lines REGEX "^[a-z]")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/pkg/FLOORS)
option(OTTOSCALE_TESTS "build the tests" ON)

file(WRITE ${CMAKE_BINARY_DIR}/empty.cc.new "namespace {}\n")
file(COPY_FILE ${CMAKE_BINARY_DIR}/empty.cc.new ${CMAKE_BINARY_DIR}/empty.cc ONLY_IF_DIFFERENT)
set(floor_headers <algorithm> <chrono> <coroutine> <cstdint> <functional> <map> <memory> <optional> <string> <utility>
  <variant> <vector> <absl/functional/any_invocable.h> <absl/status/status.h> <absl/status/statusor.h>
  <absl/strings/str_cat.h> <absl/strings/str_format.h> <absl/strings/string_view.h> <absl/time/time.h>
  <nlohmann/json.hpp>)
add_library(precompiled OBJECT ${CMAKE_BINARY_DIR}/empty.cc)
target_link_libraries(precompiled PUBLIC Threads::Threads)
target_precompile_headers(precompiled PRIVATE ${floor_headers})
add_library(precompiled_test OBJECT ${CMAKE_BINARY_DIR}/empty.cc)
target_link_libraries(precompiled_test PUBLIC Threads::Threads GTest::gmock GTest::gtest)
target_precompile_headers(precompiled_test PRIVATE ${floor_headers} <gtest/gtest.h> <gmock/gmock.h>)

set(all_floors "")

function(floor_target folder out)
  string(REPLACE "pkg/" "" name ${folder})
  string(REPLACE "/" "_" name ${name})
  set(${out} ottoscale_${name} PARENT_SCOPE)
endfunction()

function(test_binary name)
  add_executable(${name} ${ARGN})
  target_precompile_headers(${name} REUSE_FROM precompiled_test)
  target_link_libraries(${name} PRIVATE GTest::gmock GTest::gtest GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE OTTOSCALE_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
endfunction()

function(floor folder)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*.cc)
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(FILTER sources EXCLUDE REGEX "(_test|_benchmark|/main)\\.cc$")
  floor_target(${folder} target)
  list(LENGTH sources count)
  if(count EQUAL 0)
    list(APPEND sources ${CMAKE_BINARY_DIR}/empty.cc)  # a folder of headers only
  endif()
  add_library(${target} STATIC ${sources})
  target_precompile_headers(${target} REUSE_FROM precompiled)
  target_link_libraries(${target} PUBLIC ${ARGN})
  foreach(line IN LISTS floor_lines)
    if(line MATCHES "^${folder}: *(.*)$")
      separate_arguments(below UNIX_COMMAND "${CMAKE_MATCH_1}")
      foreach(other IN LISTS below)
        floor_target(${other} other_target)
        target_link_libraries(${target} PUBLIC ${other_target})
      endforeach()
      set(found TRUE)
    endif()
  endforeach()
  if(NOT found)
    message(FATAL_ERROR "${folder} has no line in pkg/FLOORS: add one with the folders that it may include")
  endif()
  if(OTTOSCALE_TESTS AND tests)
    test_binary(${target}_test ${tests})
    target_link_libraries(${target}_test PRIVATE ${target})
  endif()
  set(all_floors ${all_floors} ${target} PARENT_SCOPE)
endfunction()

function(product name main)
  find_package(Git QUIET)
  set(revision unknown)
  if(GIT_FOUND)
    execute_process(COMMAND ${GIT_EXECUTABLE} rev-parse --short=12 HEAD WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
                    OUTPUT_VARIABLE revision OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  endif()
  add_executable(${name} ${main})
  target_precompile_headers(${name} REUSE_FROM precompiled)
  target_link_libraries(${name} PRIVATE ${all_floors})
  if(NOT OTTOSCALE_SANITIZE)
    target_link_libraries(${name} PRIVATE mimalloc)  # in place of libc's malloc: pkg/decisions/0010-mimalloc.md
  endif()
  set_source_files_properties(${main} PROPERTIES COMPILE_DEFINITIONS
    "OTTOSCALE_VERSION=\"${PROJECT_VERSION}\";OTTOSCALE_REVISION=\"${revision}\"")
endfunction()

function(suite folder)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*.cc)
  if(OTTOSCALE_TESTS AND sources)
    string(REPLACE "/" "_" name ${folder})
    string(REGEX REPLACE "^test_" "" name ${name})
    test_binary(${name}_test ${sources})
    target_link_libraries(${name}_test PRIVATE ${all_floors})
  endif()
endfunction()

# benchmark(NAME main.cc FOLDER...)  a Google Benchmark, only where the library is: `make bench` installs it
function(benchmark name main)
  find_package(benchmark QUIET)
  if(OTTOSCALE_TESTS AND benchmark_FOUND)
    helper_program(${name} ${main} ${ARGN})
    target_link_libraries(${name} PRIVATE benchmark::benchmark_main)
    set_target_properties(${name} PROPERTIES EXCLUDE_FROM_ALL ON)
  endif()
endfunction()

function(helper_program name main)
  if(OTTOSCALE_TESTS)
    add_executable(${name} ${main})
    target_precompile_headers(${name} REUSE_FROM precompiled)
    foreach(folder IN LISTS ARGN)
      floor_target(${folder} target)
      target_link_libraries(${name} PRIVATE ${target})
    endforeach()
  endif()
endfunction()
