// Waiting for a place in memory to be notified: memory.atomic.wait and memory.atomic.notify.
#ifndef APUS_PARKING_H
#define APUS_PARKING_H

#include <stdint.h>

#include "apus_thread.h"

/// How a wait has ended.
enum apus_parking {
    apus_parking_notified = 0,
    apus_parking_differs = 1,      // the place had another value to begin with
    apus_parking_timed_out = 2,
    apus_parking_interrupted = 3,  // the wasm code that this thread is in has been asked to leave
};

/// Waits until `place` is notified, if it has the value `expected`, of `bytes` bytes, 4 or 8;
/// looking and going to wait is one step to those who notify. At `deadline`, nanoseconds of the
/// monotonic clock, the wait ends; UINT64_MAX: it has no end of its own.
enum apus_parking apus_park(
    const void *place, uint32_t bytes, uint64_t expected, uint64_t deadline);

/// Ends the waits for `place` of at most `most` threads, those that have waited longest first.
/// Returns how many there were.
uint32_t apus_unpark(const void *place, uint32_t most);

/// Has a thread that is in `apus_park` look whether it is to go on waiting. Any thread; the record
/// must live.
void apus_thread_wake(struct apus_thread *thread);

/// How many threads wait for `place`. For tests.
uint64_t apus_parked_count(const void *place);

#endif
