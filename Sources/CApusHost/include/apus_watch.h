// How the watchdog learns that the task is cancelled in which a guest runs, without a lock that
// each call would have to take: the call says whose it is, and the watchdog looks now and then.
#ifndef APUS_WATCH_H
#define APUS_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "apus_context.h"
#include "apus_thread.h"

enum apus_watch {
    apus_watch_none = 0,     // no call of a task runs
    apus_watch_running = 1,  // one runs; thread and task are what it has said
    apus_watch_looking = 2,  // the watchdog looks at that task, which must stay meanwhile
    apus_watch_known = 3,    // the watchdog has found the task cancelled: the call's end is told
                             // to the interrupter
};

// What code that the Swift compiler makes calls, too. The functions of Swift's own library around
// them count references.
extern __attribute__((swiftcall)) void *swift_task_getCurrent(void);
extern __attribute__((swiftcall)) bool swift_task_isCancelled(void *task);

/// The task that the calling thread runs; null: none.
static inline void *apus_current_task(void) {
    return swift_task_getCurrent();
}

/// Whether a task, which must live, is cancelled.
static inline bool apus_task_is_cancelled(void *task) {
    return swift_task_isCancelled(task);
}

/// A call begins on the calling thread on behalf of `task`. Whether the watchdog is going to look
/// at it within its period.
static inline bool apus_watch_begin(struct apus_store_context *store, void *task) {
    store->watched_task = task;
    store->watched_thread = apus_thread_record();
    // As one with what follows: who stops looking sees the call, or else is seen to have stopped.
    __atomic_exchange_n(&store->watch, apus_watch_running, __ATOMIC_SEQ_CST);
    return __atomic_load_n(&store->is_watched, __ATOMIC_SEQ_CST) != 0;
}

/// That call ends, or waits. Whether the watchdog knows nothing of it; if not, the interrupter has
/// to hear of it before the task may go.
static inline bool apus_watch_end(struct apus_store_context *store) {
    return __atomic_exchange_n(&store->watch, apus_watch_none, __ATOMIC_SEQ_CST)
        <= apus_watch_running;
}

// The watchdog's side, with the interrupter's lock held.

static inline bool apus_watch_change(
    struct apus_store_context *store, uint32_t from, uint32_t to) {
    return __atomic_compare_exchange_n(
        &store->watch, &from, to, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

/// What the watchdog finds.
enum apus_watch_result {
    apus_watch_idle,       // no call runs, or one that it knows
    apus_watch_goes_on,    // one runs
    apus_watch_cancelled,  // one runs whose task has just been found cancelled, and stays until
                           // the interrupter has heard of its end
};

static inline enum apus_watch_result apus_watch_look(struct apus_store_context *store) {
    if (!apus_watch_change(store, apus_watch_running, apus_watch_looking)) return apus_watch_idle;
    // Until this is over the call does not end, and so neither does its task.
    bool is_cancelled = apus_task_is_cancelled(store->watched_task);
    bool goes_on = apus_watch_change(
        store, apus_watch_looking, is_cancelled ? apus_watch_known : apus_watch_running);
    if (!goes_on) return apus_watch_idle;
    return is_cancelled ? apus_watch_cancelled : apus_watch_goes_on;
}

/// Says whether the watchdog is going to look. It cannot stop while a call runs: whether it is as
/// was said.
static inline bool apus_watch_promise(struct apus_store_context *store, bool is_watched) {
    uint32_t before = __atomic_exchange_n(&store->is_watched, is_watched, __ATOMIC_SEQ_CST);
    if (is_watched || __atomic_load_n(&store->watch, __ATOMIC_SEQ_CST) == apus_watch_none) {
        return true;
    }
    __atomic_store_n(&store->is_watched, before, __ATOMIC_SEQ_CST);
    return false;
}

#endif
