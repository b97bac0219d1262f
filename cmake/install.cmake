# cmake --install: the header, both libraries, and how pkg-config and CMake find them.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(staging ${PROJECT_BINARY_DIR}/staging)
set(real_name libtlsbio.so.${PROJECT_VERSION})
list(TRANSFORM TLSBIO_STATIC_LIBRARIES PREPEND "-l" OUTPUT_VARIABLE static_flags)
list(JOIN static_flags " " TLSBIO_STATIC_FLAGS)

file(MAKE_DIRECTORY ${staging})
file(CREATE_LINK ${real_name} ${staging}/${soname} SYMBOLIC)
file(CREATE_LINK ${soname} ${staging}/libtlsbio.so SYMBOLIC)
configure_file(cmake/tlsbio.pc.in ${staging}/tlsbio.pc @ONLY)
configure_package_config_file(
    cmake/tlsbio-config.cmake.in ${staging}/tlsbio-config.cmake
    INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/tlsbio
    PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR)
# Before 1.0 a new minor version may break; after it a new major one may.
if(PROJECT_VERSION_MAJOR EQUAL 0)
    set(compatibility SameMinorVersion)
else()
    set(compatibility SameMajorVersion)
endif()
write_basic_package_version_file(${staging}/tlsbio-config-version.cmake COMPATIBILITY ${compatibility})

install(FILES include/tlsbio.h include/tlsbio.hpp DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(PROGRAMS ${shared_library} DESTINATION ${CMAKE_INSTALL_LIBDIR} RENAME ${real_name})
install(FILES ${staging}/${soname} ${staging}/libtlsbio.so ${static_library} DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES ${staging}/tlsbio.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES ${staging}/tlsbio-config.cmake ${staging}/tlsbio-config-version.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/tlsbio)
