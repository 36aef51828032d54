// Which build of Apus this is.
#ifndef APUS_BUILD_H
#define APUS_BUILD_H

#include <stdint.h>

/// Copies what the linker has noted of the contents of the program, or of the shared library, that
/// contains this code: the build id, of which there are at most `room` bytes. Returns how many
/// there are; 0 if it has noted none.
uint32_t apus_build_id(uint8_t *id, uint32_t room);

/// Opens the file of that program or library to be read. Returns a descriptor, or -1.
int32_t apus_build_open(void);

/// Closes what apus_build_open has opened.
void apus_build_close(int32_t file);

#endif
