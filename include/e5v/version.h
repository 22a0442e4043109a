#pragma once
/// The version of these headers, by semantic versioning; CMakeLists.txt takes the project's version from here.
/// Before 1.0 a minor version may change the interface. What changed: CHANGELOG.md.
#define E5V_VERSION_MAJOR 0
#define E5V_VERSION_MINOR 1
#define E5V_VERSION_PATCH 0

#define E5V_VERSION_TEXT_OF(number) #number
#define E5V_VERSION_JOIN(major, minor, patch) \
  E5V_VERSION_TEXT_OF(major) "." E5V_VERSION_TEXT_OF(minor) "." E5V_VERSION_TEXT_OF(patch)

/// The three numbers as a string literal, "0.1.0".
#define E5V_VERSION E5V_VERSION_JOIN(E5V_VERSION_MAJOR, E5V_VERSION_MINOR, E5V_VERSION_PATCH)
