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

/// A wait without a thread, from `apus_park_begin` to `apus_park_end`, during which it stays where
/// it is.
struct apus_waiter {
    const void *place;
    struct apus_thread *thread;        // who waits in `apus_park`; null: nobody
    void (*notified)(void *state);     // what is called instead of waking the thread
    void *state;
    struct apus_waiter *next;
    struct apus_waiter *previous;
    int32_t is_notified;
};

/// Begins to wait for `place`, unless that has another value than `expected`, in which case it
/// returns 0 and nothing has begun. When the place is notified, `notified` is called with `state`,
/// once, on the thread that notifies, perhaps after the end.
int32_t apus_park_begin(
    struct apus_waiter *waiter, const void *place, uint32_t bytes, uint64_t expected,
    void (*notified)(void *state), void *state);

/// Ends the wait. Returns whether it was notified; if not, it never will be.
int32_t apus_park_end(struct apus_waiter *waiter);

/// Ends at most `most` of the waits for `place`, those first that have waited longest.
/// Returns how many there were.
uint32_t apus_unpark(const void *place, uint32_t most);

/// Has a thread that is in `apus_park` look whether it is to go on waiting. Any thread; the record
/// must live.
void apus_thread_wake(struct apus_thread *thread);

/// How many wait for `place`. For tests.
uint64_t apus_parked_count(const void *place);

#endif
