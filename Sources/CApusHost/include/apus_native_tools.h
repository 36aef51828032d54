// What tools that know native code only are told of code that is made while a process runs.
#ifndef APUS_NATIVE_TOOLS_H
#define APUS_NATIVE_TOOLS_H

#include <stdint.h>

struct apus_debugger_entry;

/// Tells debuggers (GDB, LLDB) of an object file in memory, of which a copy is made. Null if memory
/// is out.
struct apus_debugger_entry *apus_debugger_add(const uint8_t *object, uint64_t bytes);

/// Tells them that its code is gone.
void apus_debugger_remove(struct apus_debugger_entry *entry);

struct apus_frames;

/// Has this process find its way through frames of code that `section`, the contents of an
/// .eh_frame section with absolute addresses, describes, of which a copy is made. Null if memory is
/// out, or the process has nothing to register it with.
struct apus_frames *apus_frames_add(const uint8_t *section, uint64_t bytes);

/// Its code is gone.
void apus_frames_remove(struct apus_frames *frames);

/// The number of the calling thread; 0 where the system does not tell.
int32_t apus_thread_number(void);

/// Nanoseconds of the clock that `perf record -k mono` uses.
uint64_t apus_monotonic_time(void);

/// Maps a page of the file executably and leaves it: `perf inject` finds the file by that.
/// Returns 0 or an error number.
int32_t apus_jitdump_mark(int32_t file);

#endif
