# How everything is compiled. The reasons stand in pkg/decisions/0001-clang-19.md.
if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang" OR CMAKE_CXX_COMPILER_VERSION VERSION_LESS 19)
  message(FATAL_ERROR
    "Ottoscale is built with clang 19 or newer, found ${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}: g++ 12 "
    "destroys temporaries of a co_await statement twice. Install clang-19 (make deps) and configure a fresh build folder.")
endif()
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)  # libcpprest would otherwise run our copy of asio
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(THREADS_PREFER_PTHREAD_FLAG ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1 -DNDEBUG")
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1 -fno-omit-frame-pointer")

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Woverloaded-virtual
  -Wold-style-cast -Wno-missing-designated-field-initializers -Werror -Xclang -fno-pch-timestamp)
add_compile_definitions(JSON_USE_IMPLICIT_CONVERSIONS=0 _GLIBCXX_ASSERTIONS)
add_link_options(-fuse-ld=lld-19 -Wl,--as-needed)
include_directories(${CMAKE_SOURCE_DIR})

set(OTTOSCALE_SANITIZE "" CACHE STRING "address,undefined or thread: what the code is instrumented with")
if(OTTOSCALE_SANITIZE)
  add_compile_options(-fsanitize=${OTTOSCALE_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${OTTOSCALE_SANITIZE})
endif()

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CCACHE})
endif()
