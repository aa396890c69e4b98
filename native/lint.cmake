# The target `lint`: form by clang-format, defects by clang-tidy. Nothing is looked at again until it changes.
# clang-format breaks lines differently in every version, so AUTO takes 14 alone; the sources follow what it says.
add_custom_target(lint)
if(ACM_LINT STREQUAL "OFF")
  return()
endif()
find_program(ACM_CLANG_FORMAT NAMES clang-format-14 clang-format)
find_program(ACM_CLANG_TIDY NAMES clang-tidy-14 clang-tidy)
set(version "none")
if(ACM_CLANG_FORMAT)
  execute_process(COMMAND ${ACM_CLANG_FORMAT} --version OUTPUT_VARIABLE version OUTPUT_STRIP_TRAILING_WHITESPACE)
endif()
set(says "")
if(NOT version MATCHES "version 14\\.")
  list(APPEND says "clang-format 14 is missing (found: ${version})")
  set(ACM_CLANG_FORMAT "")
endif()
if(NOT ACM_CLANG_TIDY)
  list(APPEND says "clang-tidy is missing")
endif()
if(says AND ACM_LINT STREQUAL "ON")
  message(FATAL_ERROR "ACM_LINT=ON but ${says}")
elseif(says)
  add_custom_target(lint_skipped COMMAND ${CMAKE_COMMAND} -E echo "Skipped: static checks of the kernels: ${says}." VERBATIM)
  add_dependencies(lint lint_skipped)
endif()

set(lint ${CMAKE_BINARY_DIR}/lint)
file(MAKE_DIRECTORY ${lint})
file(GLOB kernels RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} CONFIGURE_DEPENDS kernels/*.cu)
file(GLOB programs RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} CONFIGURE_DEPENDS test/*.cpp)
file(GLOB headers RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} CONFIGURE_DEPENDS include/*.h kernels/*.cuh test/*.h test/emu/*.h)

if(ACM_CLANG_FORMAT)
  add_custom_command(OUTPUT ${lint}/format
    COMMAND ${ACM_CLANG_FORMAT} --dry-run -Werror ${kernels} ${programs} ${headers}
    COMMAND ${CMAKE_COMMAND} -E touch ${lint}/format
    WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR} DEPENDS ${kernels} ${programs} ${headers} .clang-format VERBATIM)
  add_custom_target(lint_format DEPENDS ${lint}/format)
  add_dependencies(lint lint_format)
endif()

# Kernels as the tests compile them, as C++. Clang 14 has _Float16 only where the processor has it.
if(ACM_CLANG_TIDY AND CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  foreach(source IN LISTS kernels programs)
    string(REPLACE "/" "_" name ${source})
    add_custom_command(OUTPUT ${lint}/${name}
      COMMAND sh -c "\"$@\" >${lint}/${name}.log 2>&1 || { cat ${lint}/${name}.log; exit 1; }" sh
              ${ACM_CLANG_TIDY} --quiet ${source} -- -x c++ -std=c++17 -mavx512fp16 -Wall -Wextra -Wno-unknown-pragmas
              -Itest/emu -Iinclude -Ikernels
      COMMAND ${CMAKE_COMMAND} -E touch ${lint}/${name}
      WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR} DEPENDS ${source} ${headers} .clang-tidy VERBATIM)
    list(APPEND checked ${lint}/${name})
  endforeach()
  add_custom_target(lint_defects DEPENDS ${checked})
  add_dependencies(lint lint_defects)
endif()
