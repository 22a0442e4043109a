#pragma once
/// The version of the library, by semantic versioning. CMakeLists.txt reads it from this file. Before 1.0, a minor
/// version may change the interface; CHANGELOG.md lists the changes.
#define E5V_VERSION_MAJOR 0
#define E5V_VERSION_MINOR 1
#define E5V_VERSION_PATCH 0

#define E5V_VERSION_TEXT_OF(number) #number
#define E5V_VERSION_JOIN(major, minor, patch) \
  E5V_VERSION_TEXT_OF(major) "." E5V_VERSION_TEXT_OF(minor) "." E5V_VERSION_TEXT_OF(patch)

/// The version as a string literal of three numbers, such as "0.1.0".
#define E5V_VERSION E5V_VERSION_JOIN(E5V_VERSION_MAJOR, E5V_VERSION_MINOR, E5V_VERSION_PATCH)
