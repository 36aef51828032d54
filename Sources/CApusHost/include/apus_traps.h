// Traps by signal: which code may fault, and what becomes of a fault.
#ifndef APUS_TRAPS_H
#define APUS_TRAPS_H

#include <stdint.h>

#include "apus_context.h"

/// Takes SIGSEGV, SIGBUS, SIGILL and SIGFPE, once per process. Faults that are not wasm's go to
/// whoever had the signal before. Returns 0 or an error number.
int32_t apus_traps_install(void);

/// One of these signals that is still ours; 0 if the host has taken all. Safe in any thread.
int apus_traps_own_signal(void);

/// Lets the calling thread receive these signals: a trap where they are blocked ends the process.
/// Returns 0 or an error number.
int32_t apus_traps_unblock(void);

/// Writes the program counters of the running activation into the store context's trace: `pc`,
/// then return addresses, following frame pointers from `fp` to the entry trampoline's frame. The
/// stack is in use from `sp` on. The words in which these frames keep contexts go to
/// `trace_contexts`, if there is room for them.
void apus_trace_capture(
    struct apus_store_context *store, uintptr_t pc, uintptr_t fp, uintptr_t sp);

/// The address of the function that the trap exit calls with its store context and the context
/// that it has found: it writes the trace of the frames that are about to be left, from where wasm
/// called out.
uintptr_t apus_trap_leave_address(void);

/// Does what would have happened to a signal without us: `previous` had it before.
struct sigaction;
void apus_signal_pass_on(
    int signal, void *info, void *machine, const struct sigaction *previous);

/// Follows frame pointers from `fp` to `end`, none of them below `low`, writing return addresses;
/// returns how many.
uint32_t apus_trace_walk(
    uintptr_t fp, uintptr_t low, uintptr_t end, uintptr_t *trace, uint32_t capacity);

/// Follows the same frames again: writes for each of the `count` places in `trace`, of which the
/// first is that in the frame at `fp`, the word in which the frame there has its context if its
/// function keeps one; of the frame of a tail call, which returns to `tail_return`, the context
/// that its caller expects. What is written may be anything.
void apus_trace_contexts(
    uintptr_t fp, uintptr_t low, uintptr_t end, uintptr_t tail_return, const uintptr_t *trace,
    uintptr_t *contexts, uint32_t count);

#endif
