# cmake --install: the headers, both libraries, how pkg-config and CMake find them, and the terms of all that is in them.
#
# Components: tlsbio_runtime (the shared library) and tlsbio_development; the terms belong to both.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(staging ${PROJECT_BINARY_DIR}/staging)
set(real_name libtlsbio.so.${PROJECT_VERSION})
list(TRANSFORM TLSBIO_STATIC_LIBRARIES PREPEND "-l" OUTPUT_VARIABLE static_flags)
list(JOIN static_flags " " TLSBIO_STATIC_FLAGS)

# Where the prefix is, as seen from tlsbio.pc: so the installation can be moved, or be installed to another prefix than was
# configured. A library directory that has a place of its own, as Nix gives it, is told as it is.
if(IS_ABSOLUTE ${CMAKE_INSTALL_LIBDIR})
    set(pc_prefix ${CMAKE_INSTALL_PREFIX})
    set(pc_libdir ${CMAKE_INSTALL_LIBDIR})
else()
    file(RELATIVE_PATH up /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
    string(REGEX REPLACE "/$" "" up "${up}")
    set(pc_prefix "\${pcfiledir}/${up}")
    set(pc_libdir "\${prefix}/${CMAKE_INSTALL_LIBDIR}")
endif()
if(IS_ABSOLUTE ${CMAKE_INSTALL_INCLUDEDIR})
    set(pc_includedir ${CMAKE_INSTALL_INCLUDEDIR})
else()
    set(pc_includedir "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
endif()

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

set(runtime COMPONENT tlsbio_runtime)
set(development COMPONENT tlsbio_development)
install(PROGRAMS ${shared_library} DESTINATION ${CMAKE_INSTALL_LIBDIR} RENAME ${real_name} ${runtime})
install(FILES ${staging}/${soname} DESTINATION ${CMAKE_INSTALL_LIBDIR} ${runtime})
install(FILES include/tlsbio.h include/tlsbio.hpp DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} ${development})
install(FILES ${staging}/libtlsbio.so ${static_library} DESTINATION ${CMAKE_INSTALL_LIBDIR} ${development})
install(FILES ${staging}/tlsbio.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig ${development})
install(FILES ${staging}/tlsbio-config.cmake ${staging}/tlsbio-config-version.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/tlsbio ${development})
foreach(component runtime development)
    install(FILES LICENSE-APACHE LICENSE-ISC LICENSE-MIT THIRD-PARTY-NOTICES DESTINATION ${CMAKE_INSTALL_DOCDIR}
            ${${component}})
endforeach()
