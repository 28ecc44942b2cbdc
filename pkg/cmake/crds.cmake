# The texts of crds/*.yaml as a source file of pkg/manifest (crds.h).
file(GLOB crd_files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/crds/*.yaml)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${crd_files})
set(crd_texts "")
foreach(file IN LISTS crd_files)
  file(READ ${file} text)
  string(APPEND crd_texts "      R\"crd(${text})crd\",\n")
endforeach()
file(WRITE ${CMAKE_BINARY_DIR}/crd_texts.cc.new
  "#pragma clang diagnostic ignored \"-Woverlength-strings\"\n#include \"pkg/manifest/crds.h\"\n\nnamespace ottoscale::manifest {\n\n"
  "const std::vector<absl::string_view>& CrdTexts() {\n  static const std::vector<absl::string_view> kTexts = {\n"
  "${crd_texts}  };\n  return kTexts;\n}\n\n}  // namespace ottoscale::manifest\n")
file(COPY_FILE ${CMAKE_BINARY_DIR}/crd_texts.cc.new ${CMAKE_BINARY_DIR}/crd_texts.cc ONLY_IF_DIFFERENT)
target_sources(ottoscale_manifest PRIVATE ${CMAKE_BINARY_DIR}/crd_texts.cc)
