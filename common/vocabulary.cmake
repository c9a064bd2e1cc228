# Turns the vocabularies into C tables: cmake -DOUT=… -DFILES=a.tsv,b.tsv -P vocabulary.cmake
# A line that is not "code, label, other spellings, number" (three tabs) fails the build.
string(REPLACE "," ";" files "${FILES}")
set(tables "")
set(list "")
foreach(file IN LISTS files)
  get_filename_component(name "${file}" NAME_WE)
  file(READ "${file}" text)
  string(REGEX REPLACE "#[^\n]*\n" "" text "${text}")
  if(text MATCHES "[\"\\\\\r]" OR NOT text MATCHES "\n$")
    message(FATAL_ERROR "${file}: holds a quote, a backslash or a carriage return, "
                        "or does not end in a newline")
  endif()
  string(REGEX REPLACE "([^\t\n]+)\t([^\t\n]+)\t([^\t\n]*)\t([0-9]?)\n"
                       "    {\"\\1\", \"\\2\", \"\\3\", 0\\4},@" rows "${text}")
  if(rows MATCHES "[\t\n]")
    message(FATAL_ERROR "${file}: a line is not: code, label, other spellings, number")
  endif()
  string(REPLACE "@" "\n" rows "${rows}")
  string(REGEX REPLACE "\t[^\n]*\n" ";" codes "${text}")
  string(REGEX REPLACE ";$" "" codes "${codes}")
  set(in_order ${codes})
  list(SORT in_order COMPARE STRING)
  if(codes STREQUAL in_order)
    set(sorted true)
  else()
    set(sorted false)
  endif()
  string(APPEND tables "static const struct vocabulary_term ${name}[] = {\n${rows}};\n\n")
  string(APPEND list "    {\"${name}\", ${name}, sizeof ${name} / sizeof ${name}[0], ${sorted}},\n")
endforeach()
file(WRITE "${OUT}" "/* Generated from configs/vocabularies. */
#include \"common/vocabulary_table.h\"

${tables}const struct vocabulary vocabulary_table[] = {
${list}};

const size_t vocabulary_table_size = sizeof vocabulary_table / sizeof vocabulary_table[0];
")
