# The library, built by cargo: targets tlsbio::tlsbio (shared) and tlsbio::tlsbio_static.
#
# Without a sanitizer it is the very file that `make lib` makes in target/: there is one shared
# library, and CMake, make and the bindings use that one. A build that is elsewhere, or of another project, writes nothing
# into the source.
if(DEFINED ENV{CARGO})
    set(TLSBIO_CARGO $ENV{CARGO} CACHE FILEPATH "The cargo to build with")
else()
    find_program(TLSBIO_CARGO cargo HINTS $ENV{HOME}/.cargo/bin REQUIRED)
endif()

cmake_path(IS_PREFIX PROJECT_SOURCE_DIR ${PROJECT_BINARY_DIR} is_inside)
if(PROJECT_IS_TOP_LEVEL AND is_inside)
    set(cargo_target_dir ${PROJECT_SOURCE_DIR}/target)
else()
    set(cargo_target_dir ${PROJECT_BINARY_DIR}/cargo)
endif()
# The crate's third type, rlib, is for Rust tests; with it in the list cargo leaves out link-time
# optimisation.
set(cargo_arguments --locked --lib --crate-type cdylib,staticlib)
set(cargo_environment)
if(CMAKE_BUILD_TYPE STREQUAL "Debug" AND NOT TLSBIO_SANITIZE)
    set(cargo_profile debug)
else()
    set(cargo_profile release)
    list(APPEND cargo_arguments --release)
endif()
set(library_dir ${cargo_target_dir}/${cargo_profile})

if(TLSBIO_SANITIZE)
    # rustc leaves the sanitizer's runtime to whoever links the program, here gcc or clang. Naming
    # the host as the target keeps the flags away from build scripts, which are run without it.
    execute_process(COMMAND ${TLSBIO_CARGO} --version --verbose OUTPUT_VARIABLE cargo_version COMMAND_ERROR_IS_FATAL ANY)
    if(NOT cargo_version MATCHES "host: ([^\n]+)")
        message(FATAL_ERROR "${TLSBIO_CARGO} does not name its host:\n${cargo_version}")
    endif()
    set(host ${CMAKE_MATCH_1})
    list(APPEND cargo_environment RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=address)
    list(APPEND cargo_arguments --target ${host} --features sanitizer)
    set(cargo_target_dir ${cargo_target_dir}/asan)
    set(library_dir ${cargo_target_dir}/${host}/${cargo_profile})
endif()

set(TLSBIO_RUST_TARGET "" CACHE STRING "Rust's name of the target; empty for the processor of this machine, or what CMAKE_SYSTEM_PROCESSOR says of Linux")
if(TLSBIO_RUST_TARGET STREQUAL "" AND CMAKE_CROSSCOMPILING AND CMAKE_SYSTEM_NAME STREQUAL "Linux")
    set(rust_target ${CMAKE_SYSTEM_PROCESSOR}-unknown-linux-gnu)
else()
    set(rust_target "${TLSBIO_RUST_TARGET}")
endif()
if(NOT "${rust_target}" STREQUAL "")
    # The compiler and its flags are the target's; what runs during the build is made by those of this machine.
    string(REPLACE "-" "_" variable "${rust_target}")
    list(APPEND cargo_arguments --target ${rust_target})
    list(APPEND cargo_environment "CC_${variable}=${CMAKE_C_COMPILER}" "CFLAGS_${variable}=${CMAKE_C_FLAGS}"
         "TLSBIO_CC_${variable}=${CMAKE_C_COMPILER}")
    set(library_dir ${cargo_target_dir}/${rust_target}/${cargo_profile})
endif()

set(shared_library ${library_dir}/libtlsbio.so)
# As cargo made it, and as it is linked and installed: without names that others may have, too.
set(cargo_static_library ${library_dir}/libtlsbio.a)
set(static_library ${PROJECT_BINARY_DIR}/libtlsbio.a)
set(soname libtlsbio.so.${PROJECT_VERSION_MAJOR})

# cargo itself knows what is out of date. The link is what the loader looks for beside the library.
add_custom_target(
    tlsbio_cargo ALL
    COMMAND ${CMAKE_COMMAND} -E env ${cargo_environment} ${TLSBIO_CARGO} rustc ${cargo_arguments} --target-dir
            ${cargo_target_dir}
    COMMAND ${CMAKE_COMMAND} -E create_symlink libtlsbio.so ${library_dir}/${soname}
    COMMAND ${CMAKE_COMMAND} -E env OBJCOPY=${CMAKE_OBJCOPY} NM=${CMAKE_NM} ${PROJECT_SOURCE_DIR}/scripts/static-own-names.sh
            ${cargo_static_library} ${static_library}
    BYPRODUCTS ${shared_library} ${static_library}
    WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
    COMMENT "cargo rustc, ${cargo_profile}"
    USES_TERMINAL VERBATIM)

add_library(tlsbio SHARED IMPORTED GLOBAL)
add_library(tlsbio::tlsbio ALIAS tlsbio)
set_target_properties(
    tlsbio PROPERTIES IMPORTED_LOCATION ${shared_library} IMPORTED_SONAME ${soname}
                      INTERFACE_INCLUDE_DIRECTORIES ${PROJECT_SOURCE_DIR}/include)
add_dependencies(tlsbio tlsbio_cargo)

# Of what rustc names with --print native-static-libs: the others are libgcc's and libc's, which compilers add in their own way,
# and -lgcc_s is not there for programs that are static throughout.
set(TLSBIO_STATIC_LIBRARIES pthread m dl)
add_library(tlsbio_static STATIC IMPORTED GLOBAL)
add_library(tlsbio::tlsbio_static ALIAS tlsbio_static)
set_target_properties(
    tlsbio_static PROPERTIES IMPORTED_LOCATION ${static_library} INTERFACE_LINK_LIBRARIES "${TLSBIO_STATIC_LIBRARIES}"
                             INTERFACE_INCLUDE_DIRECTORIES ${PROJECT_SOURCE_DIR}/include)
add_dependencies(tlsbio_static tlsbio_cargo)
