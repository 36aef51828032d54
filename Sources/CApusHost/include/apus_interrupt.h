// Interruption from other threads: a signal that finds a thread in wasm makes it leave at once.
#ifndef APUS_INTERRUPT_H
#define APUS_INTERRUPT_H

#include <stdint.h>

#include "apus_context.h"
#include "apus_thread.h"

/// Takes SIGURG, once per process, and lets the calling thread receive it, whatever the host has
/// blocked meanwhile. Signals that are not of our sending go to whoever had it before. Returns 0,
/// or -1 if the host had blocked it on this thread, or an error number.
int32_t apus_interrupts_begin(void);

/// Blocks SIGURG again on the calling thread: the host had done so.
void apus_interrupts_give_back(void);

/// Asks the wasm code of `store`, and all that runs within its call on `thread`, to leave: at the
/// next return from a call out of it, or where it is. `reason` is for who wonders why. Any thread;
/// store and call must live.
void apus_interrupt_request(
    struct apus_store_context *store, struct apus_thread *thread, uint64_t reason);

/// Takes the request back. Any thread; store and call must live.
void apus_interrupt_withdraw(struct apus_store_context *store, struct apus_thread *thread);

/// Whether the wasm code that this thread is in has been asked to leave: then a host function that
/// waits should stop waiting.
static inline int32_t apus_this_thread_is_interrupted(void) {
    return __atomic_load_n(&apus_this_thread.requests, __ATOMIC_ACQUIRE) != 0;
}

/// Whether waits of this thread are not ended by signals, but have to look whether they are to end.
static inline int32_t apus_this_thread_is_polled(void) {
    return apus_this_thread.is_polled;
}

/// Sends a thread, which must be in a call, the signal. Where several have not been answered, looks
/// who has SIGURG and takes it back, and then uses another signal of ours.
void apus_interrupt_thread(struct apus_thread *thread);

/// Sends a thread, which must be in a call, the signal that has it take a sample (apus_sampler.h).
void apus_interrupt_sample(struct apus_thread *thread);

/// Sends a thread, which must be in a call, the signal that takes it from a guest on a stack of its
/// own (apus_preemption.h). Where it does not find that, it has to be sent again.
void apus_interrupt_turn(struct apus_thread *thread);

/// From here to the next call of this with 0, waiting in the system ends with EINTR when the wasm
/// code this thread is in has been asked to leave. Returns what was set before.
int32_t apus_interrupts_end_waits(int32_t do_end);

/// What a signal handler does with a signal of ours, if it is one. Returns whether it was.
int32_t apus_interrupt_answer(int signal, const void *info, void *machine);

/// The calling thread has become that of a new process.
void apus_interrupts_forked(void);

#endif
