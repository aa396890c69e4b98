# Bugs planted in copies of the kernels' sources, each of which a test must catch and name: the proof of the tests themselves.
# add_mutant(name, kernel, "other sources", kind, "test to run", "what it must print", "what is there", "what is put instead")
function(add_mutant name kernel others kind test says from to)
  set(folder ${CMAKE_CURRENT_BINARY_DIR}/mutants/${name})
  file(MAKE_DIRECTORY ${folder})
  file(GLOB originals ${CMAKE_SOURCE_DIR}/kernels/*.cuh)
  foreach(source ${kernel} ${others})
    list(APPEND originals ${CMAKE_SOURCE_DIR}/kernels/${source}.cu)
  endforeach()
  set(found 0)
  set(sources "")
  foreach(original IN LISTS originals)
    get_filename_component(file ${original} NAME)
    file(READ ${original} text)
    string(FIND "${text}" "${from}" first)
    string(FIND "${text}" "${from}" last REVERSE)
    if(first GREATER -1)
      math(EXPR found "${found} + 1")
      if(NOT first EQUAL last)
        message(FATAL_ERROR "mutant ${name}: more than one place in ${file}")
      endif()
      string(REPLACE "${from}" "${to}" text "${text}")
    endif()
    file(CONFIGURE OUTPUT ${folder}/${file} CONTENT "${text}" @ONLY)  # touched only when it changes
    if(file MATCHES "\\.cu$")
      list(APPEND sources ${folder}/${file})
    endif()
  endforeach()
  if(NOT found EQUAL 1)
    message(FATAL_ERROR "mutant ${name}: ${found} files hold \"${from}\"")
  endif()
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${originals})
  set_source_files_properties(${sources} PROPERTIES LANGUAGE CXX COMPILE_OPTIONS "-x;c++")
  string(REGEX REPLACE "\\..*" "" program ${test})
  add_executable(mutant_${name} EXCLUDE_FROM_ALL ${sources} ${program}_test.cpp)
  target_compile_options(mutant_${name} PRIVATE -ffp-contract=off ${warnings} ${options_${kind}} -O1)
  target_link_options(mutant_${name} PRIVATE ${options_${kind}})
  target_include_directories(mutant_${name} PRIVATE emu ${CMAKE_SOURCE_DIR}/include)
  add_test(NAME mutant.${name} COMMAND sh -c "\"$0\" \"$1\" 2>&1 | grep -q \"$2\"" $<TARGET_FILE:mutant_${name}> ${test} ${says})
  set(programs ${programs} mutant_${name} PARENT_SCOPE)
endfunction()

add_mutant(missing_barrier attend "" thread attend.ties "data race"
  "    __syncthreads();\n    for (int c = thread; c < cells; c += threads) s.key[c]"
  "    for (int c = thread; c < cells; c += threads) s.key[c]")
add_mutant(out_of_bounds_read mix "" address mix.sizes "AddressSanitizer"
  "if (begin < kMargin || begin + 16 + kMargin > bytes) continue;" "if (begin < kMargin || begin + 8 + kMargin > bytes) continue;")
add_mutant(row_and_column_swapped mix "" plain mix.one_cell "FAILED mix cell 1"
  "const int cell = r * grid + c;" "const int cell = c * grid + r;")
add_mutant(ties_to_the_higher_index attend "" plain attend.ties "FAILED attend ties"
  "(key == own && other < c)" "(key == own && other > c)")
add_mutant(copy_not_waited_for stem "stem_pack" plain stem.packed "FAILED\\|never waited for"
  "copy_async_wait<0>();" "copy_async_wait<1>();")
add_mutant(map_not_complete stem "stem_pack" thread stem.bytes "data race"
  "__syncthreads();  // the map is complete" "// the map is complete")
add_mutant(vector_before_the_image stem "stem_pack" address stem.bytes "AddressSanitizer"
  "if (at >= 0 && at + 16 <= size)" "if (at + 16 <= size)")
add_mutant(rounded_to_zero preprocess "" plain preprocess.uint8 "FAILED uint8 filter 0"
  "return 1 << (kWeightBits - 1);" "return 0;")
add_mutant(infinity_not_noted preprocess "" plain preprocess.spoiled "FAILED spoiled by inf"
  "return largest < 0x7f800000u;" "return largest <= 0x7f800000u;")
add_mutant(shifted_by_a_word mix "" plain mix.anywhere "FAILED mix anywhere"
  "w[i] = m & 8 ? w[i + 2] : w[i];" "w[i] = m & 8 ? w[i + 1] : w[i];")
