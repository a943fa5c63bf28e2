# Shared build rules: warnings, sanitizers, and one function per kind of target.

get_filename_component(SPEEDWINS_ROOT ${CMAKE_CURRENT_LIST_DIR} DIRECTORY)

add_library(sw_options INTERFACE)
target_include_directories(sw_options INTERFACE ${SPEEDWINS_ROOT}/src)
target_compile_options(sw_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Werror -fno-math-errno -ffp-contract=off)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 reports these wrongly through inlined std::expected, std::string and intrinsics headers.
  target_compile_options(sw_options INTERFACE -Wno-maybe-uninitialized -Wno-restrict -Wno-psabi
    -Wno-stringop-overflow -Wno-array-bounds -Wno-free-nonheap-object -Wno-ignored-attributes)
else()
  # libstdc++ 12 hides std::expected from clang 16, which implements what it needs but reports an older concepts date.
  target_compile_options(sw_options INTERFACE -Wno-builtin-macro-redefined -Wno-macro-redefined -D__cpp_concepts=202002L)
endif()
if(SPEEDWINS_SANITIZE)
  target_compile_options(sw_options INTERFACE -fsanitize=${SPEEDWINS_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(sw_options INTERFACE -fsanitize=${SPEEDWINS_SANITIZE})
  if(SPEEDWINS_SANITIZE MATCHES thread)
    # GCC's thread sanitizer does not understand fences; Asio's locks order what its fences would order again.
    target_compile_definitions(sw_options INTERFACE BOOST_ASIO_DISABLE_FENCED_BLOCK)
  endif()
endif()

if(SPEEDWINS_FUZZ)
  # The libraries report their coverage too: without it a fuzzer is blind.
  target_compile_options(sw_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

# sw_library(NAME [DEPS target…] [EXTRA file…] [UNITY]): every *.cpp of the calling folder (not its subfolders) plus EXTRA.
# UNITY: its files can be compiled together, as SPEEDWINS_UNITY asks, because no two have a local name in common.
function(sw_library name)
  cmake_parse_arguments(A "UNITY" "" "DEPS;PRIVATE_DEPS;EXTRA" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS *.cpp)
  if(sources OR A_EXTRA)
    add_library(sw_${name} STATIC ${sources} ${A_EXTRA})
    target_link_libraries(sw_${name} PUBLIC sw_options ${A_DEPS} PRIVATE ${A_PRIVATE_DEPS})
    if(A_UNITY)
      set_target_properties(sw_${name} PROPERTIES UNITY_BUILD ${SPEEDWINS_UNITY})
    endif()
  else()
    add_library(sw_${name} INTERFACE)
    target_link_libraries(sw_${name} INTERFACE sw_options ${A_DEPS} ${A_PRIVATE_DEPS})
  endif()
  file(GLOB tests CONFIGURE_DEPENDS tests/*.cpp)
  if(SPEEDWINS_TESTS AND tests)
    add_executable(${name}_tests ${tests})
    target_link_libraries(${name}_tests PRIVATE sw_${name} ${A_PRIVATE_DEPS} GTest::gtest_main)
    target_compile_options(${name}_tests PRIVATE $<$<CONFIG:Release>:-O1>)  # they are compiled more often than run
    target_compile_definitions(${name}_tests PRIVATE
      SPEEDWINS_SOURCE_DIR="${SPEEDWINS_ROOT}" SPEEDWINS_SHARED_DIR="${SPEEDWINS_ROOT}/../shared")
    add_test(NAME ${name} COMMAND ${name}_tests)
  endif()
  if(SPEEDWINS_FUZZ AND EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/fuzz)
    file(GLOB fuzzers CONFIGURE_DEPENDS fuzz/*.cpp)
    foreach(source ${fuzzers})
      get_filename_component(fuzzer ${source} NAME_WE)
      add_executable(fuzz_${fuzzer} ${source})
      target_link_libraries(fuzz_${fuzzer} PRIVATE sw_${name} ${A_PRIVATE_DEPS})
      target_compile_options(fuzz_${fuzzer} PRIVATE -fsanitize=fuzzer)
      target_link_options(fuzz_${fuzzer} PRIVATE -fsanitize=fuzzer)
    endforeach()
  endif()
  file(GLOB benches CONFIGURE_DEPENDS bench/*.cpp)
  if(SPEEDWINS_BENCH AND benches)
    find_package(benchmark REQUIRED)
    add_executable(bench_${name} ${benches})
    target_link_libraries(bench_${name} PRIVATE sw_${name} ${A_PRIVATE_DEPS} benchmark::benchmark_main)
  endif()
endfunction()
