// Interruption from other threads: a signal that finds a thread in wasm makes it leave at once.
#ifndef APUS_INTERRUPT_H
#define APUS_INTERRUPT_H

#include <stdint.h>

#include "apus_context.h"

/// Takes SIGURG, once per process, and lets the calling thread receive it. Signals that are not
/// of our sending go to whoever had it before. Returns 0 or an error number.
int32_t apus_interrupts_prepare_thread(void);

/// Asks the wasm code of `store` to leave: at the next return from a call out of it, or where a
/// signal finds it. Any thread; the store must live.
void apus_interrupt_request(struct apus_store_context *store);

/// Takes the request back. Any thread; the store must live.
void apus_interrupt_withdraw(struct apus_store_context *store);

/// Whether the wasm code of `store`, or of a store around it, has been asked to leave.
int32_t apus_interrupt_is_requested(const struct apus_store_context *store);

/// Whether the wasm code this thread is in has been asked to leave: then a host function that
/// waits should stop waiting.
int32_t apus_this_thread_is_interrupted(void);

/// Names the calling thread for `apus_interrupt_thread`; never 0.
uintptr_t apus_interrupt_target(void);

/// Sends a thread, which must be alive, the signal. What it waits for in the system ends with
/// EINTR.
void apus_interrupt_thread(uintptr_t target);

#endif
