# What libtendril links: read by the build, and by tendril-config.cmake for the static library.

if(NOT TARGET tendril::ev) # upstream libev ships no .pc file
    find_path(TENDRIL_EV_INCLUDE_DIR ev.h PATH_SUFFIXES libev)
    find_library(TENDRIL_EV_LIBRARY ev)
    mark_as_advanced(TENDRIL_EV_INCLUDE_DIR TENDRIL_EV_LIBRARY)
    if(NOT TENDRIL_EV_INCLUDE_DIR OR NOT TENDRIL_EV_LIBRARY)
        message(FATAL_ERROR "tendril needs libev (Debian: libev-dev)")
    endif()
    add_library(tendril::ev UNKNOWN IMPORTED)
    set_target_properties(tendril::ev PROPERTIES
        IMPORTED_LOCATION "${TENDRIL_EV_LIBRARY}"
        INTERFACE_INCLUDE_DIRECTORIES "${TENDRIL_EV_INCLUDE_DIR}")
endif()

if(NOT TARGET tendril::cares)
    find_package(PkgConfig REQUIRED)
    pkg_check_modules(TENDRIL_CARES REQUIRED IMPORTED_TARGET libcares)
    add_library(tendril::cares INTERFACE IMPORTED)
    set_target_properties(tendril::cares PROPERTIES
        INTERFACE_LINK_LIBRARIES PkgConfig::TENDRIL_CARES)
endif()

find_package(OpenSSL REQUIRED)
find_package(ZLIB REQUIRED)
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
