# cmake -DOUT=file.cc -DFILES=a.yaml|b.yaml -P embed.cmake: writes BuiltinCatalogueTexts() with the files' texts in it. Each text is cut into
# pieces, because compilers limit the length of one literal.
string(REPLACE "|" ";" files "${FILES}")
set(items "")
foreach(file IN LISTS files)
  get_filename_component(name ${file} NAME)
  file(READ ${file} text)
  if(text MATCHES "\\)CATALOGUE")
    message(FATAL_ERROR "${file} contains the end mark of its literal")
  endif()
  string(LENGTH "${text}" length)
  set(literals "")
  set(at 0)
  while(at LESS length)
    string(SUBSTRING "${text}" ${at} 8000 piece)
    string(APPEND literals "R\"CATALOGUE(${piece})CATALOGUE\"\n")
    math(EXPR at "${at} + 8000")
  endwhile()
  string(APPEND items "      {\"${name}\", ${literals}},\n")
endforeach()
file(WRITE ${OUT}
"#include \"common/provider/builtin_texts.h\"

namespace chain429 {

std::vector<CatalogueText> BuiltinCatalogueTexts() {
  return {
${items}  };
}

}  // namespace chain429
")
