# Every outside library, found once. All come from the distribution's -dev packages (`./dev deps`).
find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(ZLIB REQUIRED)
find_package(absl CONFIG REQUIRED)
find_package(Protobuf REQUIRED)
find_package(gRPC CONFIG REQUIRED)
find_package(Boost 1.81 REQUIRED)
find_package(simdjson CONFIG REQUIRED)
find_package(yaml-cpp CONFIG REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 CONFIG REQUIRED)
if(CHAIN429_TESTS OR NOT DEFINED CHAIN429_TESTS)
  find_package(GTest REQUIRED)
  find_package(benchmark REQUIRED)
endif()

find_program(PROTOC_PROGRAM protoc REQUIRED)
find_program(GRPC_CPP_PLUGIN grpc_cpp_plugin REQUIRED)

# Header-only Asio and Beast cost seconds in every file that includes them. Their implementation is compiled once, here,
# and every user sees declarations only (BOOST_ASIO_SEPARATE_COMPILATION).
add_library(chain429_asio STATIC ${CMAKE_SOURCE_DIR}/cmake/asio_implementation.cc)
target_compile_definitions(chain429_asio PUBLIC
  BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED BOOST_ERROR_CODE_HEADER_ONLY)
target_link_libraries(chain429_asio PUBLIC Boost::headers OpenSSL::SSL OpenSSL::Crypto Threads::Threads)

add_library(chain429_yaml INTERFACE)
target_link_libraries(chain429_yaml INTERFACE yaml-cpp)
