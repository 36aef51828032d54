// The library that Apus is a part of.
#ifndef APUS_LIBRARY_H
#define APUS_LIBRARY_H

#include <stdint.h>

/// Keeps the shared library that contains this code in the process for good, whatever becomes of
/// the handles that others have to it: signal handlers, threads and stacks lead back into it.
/// Without effect in the program itself. Returns 0, or an error number.
int32_t apus_library_keep(void);

/// Whether it is built with the thread sanitizer, which keeps signals back until a thread calls the
/// system.
int32_t apus_library_sanitizes_threads(void);

#endif
